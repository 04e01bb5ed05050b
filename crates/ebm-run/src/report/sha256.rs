//! The digest by which a page's policy knows its own script (FIPS 180-4, section 6.2).

/// The digest of SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let primes = first_primes();
    // Square roots of the first 8 primes, and cube roots of the first 64.
    let mut state: [u32; 8] = std::array::from_fn(|at| fraction(primes[at], 2));
    let constants: [u32; 64] = std::array::from_fn(|at| fraction(primes[at], 3));
    let mut message = bytes.to_vec();
    message.push(0x80);
    message.resize(message.len().next_multiple_of(64), 0);
    if message.len() < bytes.len() + 9 {
        message.resize(message.len() + 64, 0);
    }
    let length = message.len() - 8;
    message[length..].copy_from_slice(&(8 * bytes.len() as u64).to_be_bytes());
    for block in message.chunks_exact(64) {
        digest(&mut state, block, &constants);
    }
    let mut digest = [0; 32];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

fn digest(state: &mut [u32; 8], block: &[u8], constants: &[u32; 64]) {
    let mut words = [0_u32; 64];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = bytes
            .iter()
            .fold(0, |word, &byte| word << 8 | u32::from(byte));
    }
    for at in 16..64 {
        let (early, late) = (words[at - 15], words[at - 2]);
        let early = early.rotate_right(7) ^ early.rotate_right(18) ^ early >> 3;
        let late = late.rotate_right(17) ^ late.rotate_right(19) ^ late >> 10;
        words[at] = words[at - 16]
            .wrapping_add(early)
            .wrapping_add(words[at - 7])
            .wrapping_add(late);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (&constant, &word) in constants.iter().zip(&words) {
        let turned = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let chosen = e & f ^ !e & g;
        let first = [turned, chosen, constant, word]
            .into_iter()
            .fold(h, u32::wrapping_add);
        let turned = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = a & b ^ a & c ^ b & c;
        (h, g, f, e) = (g, f, e, d.wrapping_add(first));
        (d, c, b, a) = (c, b, a, first.wrapping_add(turned).wrapping_add(majority));
    }
    for (word, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(new);
    }
}

fn first_primes() -> [u64; 64] {
    let is_prime = |&n: &u64| (2..n).all(|divisor| n % divisor != 0);
    let mut primes = (2..).filter(is_prime);
    std::array::from_fn(|_| primes.next().unwrap_or(0))
}

/// The first 32 bits of the fraction of the square or cube root of a number: of the largest `r`
/// with `r^power <= number 2^(32 power)`.
fn fraction(number: u64, power: u32) -> u32 {
    let bound = u128::from(number) << (32 * power);
    let root = (0..40).rev().fold(0_u128, |root, bit| {
        let next = root | 1 << bit;
        if next.pow(power) <= bound { next } else { root }
    });
    root as u32
}

#[cfg(test)]
mod tests {
    use super::sha256;

    /// The examples of FIPS 180, and lengths about that of a block, by `sha256sum`.
    #[test]
    fn digests_are_those_of_the_standard() {
        let thousands = "a".repeat(1000);
        for (text, expected) in [
            (
                "",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                "abc",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
            (
                &thousands[..55],
                "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318",
            ),
            (
                &thousands[..64],
                "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb",
            ),
            (
                &thousands,
                "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3",
            ),
        ] {
            let digest: String = sha256(text.as_bytes())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!(digest, expected, "{} bytes", text.len());
        }
    }
}
