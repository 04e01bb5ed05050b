//! An image's shape is one thing in code, a list in files, and a product of sizes in text.
#![allow(clippy::unwrap_used)]

use ebm_models::ImageShape;

#[test]
fn it_is_a_list_in_files() {
    let shape = ImageShape::new(3, 28, 14);
    let text = serde_json::to_string(&shape).unwrap();
    assert_eq!(text, "[3,28,14]");
    assert_eq!(serde_json::from_str::<ImageShape>(&text).unwrap(), shape);
    assert!(serde_json::from_str::<ImageShape>("[3,28]").is_err());
    assert_eq!(<[usize; 3]>::from(shape), [3, 28, 14]);
    assert_eq!(shape.to_string(), "3x28x14");
}

#[test]
fn values_never_wrap_around() {
    assert_eq!(ImageShape::new(3, 28, 14).values(), 3 * 28 * 14);
    assert_eq!(
        ImageShape::new(2, usize::MAX, 2).values(),
        usize::MAX,
        "too large"
    );
    assert_eq!(ImageShape::new(0, usize::MAX, usize::MAX).values(), 0);
}
