//! Configurations that describe no run: files, keys, types, values.

use std::fs;

use ebm::run::config::ConfigTable;

use crate::common::{TINY, train, workspace};
use crate::{refuse, refuse_to_train};

#[test]
fn values_out_of_range() {
    const HUGE: &str = "1e300";
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str)] = &[
        // What is set, the key in the message if it is another, what was expected.
        ("data.range=[1, -1]", "data.range", "the lower first"),
        ("data.range=[0, 0]", "data.range", "the lower first"),
        ("data.range=[nan, 1]", "data.range", "found [NaN, 1.0]"),
        ("data.range=[-inf, inf]", "data.range", "finite"),
        ("data.range=[-1e308, 1e308]", "data.range", "32 bits"),
        ("data.range=[0, 1e-320]", "data.range", "32 bits"),
        ("data.limit=0", "data.limit", "at least 1"),
        ("data={kind=\"two_moons\", count=0}", "data.count", "from 1"),
        ("data={kind=\"two_moons\", count=1000000000000}", "data.count", "to 100000000"),
        ("data={kind=\"two_moons\", noise=-0.1}", "data.noise", "at least 0"),
        ("data={kind=\"two_moons\", noise=nan}", "data.noise", "at least 0"),
        ("data={kind=\"folder\"}", "data.path", "--data DIR"),
        ("data={kind=\"folder\", path=\"x\", channels=2}", "data.channels", "1 (grey) or 3"),
        ("data={kind=\"folder\", path=\"x\", test_fraction=1}", "data.test_fraction", "from 0 to below 1"),
        ("data={kind=\"folder\", path=\"x\", test_fraction=-0.1}", "data.test_fraction", "from 0 to below 1"),
        ("data={kind=\"folder\", path=\"x\", test_fraction=nan}", "data.test_fraction", "found NaN"),
        ("data={kind=\"folder\", path=\"x\", size=[0, 8]}", "data.size", "1 to 4096"),
        ("data={kind=\"folder\", path=\"x\", size=[8, 5000]}", "data.size", "1 to 4096"),
        ("model.hidden=[8, 0]", "model.hidden", "from 1"),
        ("model.hidden=[9223372036854775807]", "model.hidden", "to 1048576"),
        ("model={kind=\"conv_net\", hidden=0}", "model.hidden", "from 1"),
        ("model={kind=\"conv_net\", layers=[[0, 3, 1, 1]]}", "model.layers", "[0, 3, 1, 1]"),
        ("model={kind=\"conv_net\", layers=[[2, 0, 1, 0]]}", "model.layers", "kernel"),
        ("model={kind=\"conv_net\", layers=[[2, 3, 0, 1]]}", "model.layers", "stride"),
        ("model={kind=\"conv_net\", layers=[[2, 3, 1, 3]]}", "model.layers", "padding below"),
        ("sampler.steps=0", "sampler.steps", "at least 1"),
        ("sampler.steps=4294967296", "sampler.steps", "at most 1000000000"),
        ("sampler.steps=9223372036854775807", "sampler.steps", "at most 1000000000"),
        ("sampler={kind=\"gibbs\", steps=1000000001}", "sampler.steps", "at most 1000000000"),
        ("sampler={kind=\"parallel_tempering\", steps=1, temperatures=1001}", "sampler.temperatures", "2 to 1000"),
        ("sampler.step_size=0", "sampler.step_size", "above 0"),
        ("sampler.step_size=1e300", "sampler.step_size", HUGE),
        ("sampler.noise=-1", "sampler.noise", "at least 0"),
        ("sampler.noise=none", "sampler.noise", "exactly one of"),
        ("sampler.temperature=1", "sampler.noise", "both noise and temperature"),
        ("sampler={kind=\"langevin\", steps=1, step_size=1, temperature=-1}", "sampler.temperature", "at least 0"),
        ("sampler.gradient_clip=0", "sampler.gradient_clip", "above 0"),
        ("sampler={kind=\"metropolis\", steps=0, scale=1}", "sampler.steps", "at least 1"),
        ("sampler={kind=\"metropolis\", steps=1, scale=0}", "sampler.scale", "above 0"),
        ("sampler={kind=\"metropolis\", steps=1, scale=1, temperature=0}", "sampler.temperature", "above 0"),
        ("chains.capacity=7", "chains.capacity", "training.batch_size, 8"),
        ("chains.capacity=1000000000000", "chains.capacity", "at most 2147483647"),
        ("chains.capacity=2000000000", "chains.capacity", "fit into memory"),
        ("chains.fresh_fraction=1.01", "chains.fresh_fraction", "0 to 1"),
        ("chains.fresh_fraction=-0.1", "chains.fresh_fraction", "0 to 1"),
        ("chains.fresh_fraction=nan", "chains.fresh_fraction", "0 to 1"),
        ("chains.evict_above=0", "chains.evict_above", "above 0"),
        ("chains.evict_frozen=1.1", "chains.evict_frozen", "up to 1"),
        ("chains.long={every=0, factor=2}", "chains.long.every", "at least 1"),
        ("chains.long={every=2, factor=0}", "chains.long.factor", "from 1"),
        ("objective.trim=1", "objective.trim", "between 0 and 1"),
        ("objective.contrastive_limit=0", "objective.contrastive_limit", "above 0"),
        ("objective.gradient_penalty={weight=0}", "objective.gradient_penalty.weight", "above 0"),
        ("objective.gradient_penalty={weight=1, step=0}", "objective.gradient_penalty.step", "above 0"),
        ("optimizer.sharpness_radius=-1", "optimizer.sharpness_radius", "above 0"),
        ("optimizer.spectral_limit=0", "optimizer.spectral_limit", "above 0"),
        ("training.augmentation={rotation=181}", "training.augmentation.rotation", "from 0 to 180"),
        ("chains.augmentation={zoom=-1}", "chains.augmentation.zoom", "from 0 to 10"),
        ("objective.energy_regularizer=-1", "objective.energy_regularizer", "at least 0"),
        ("objective.energy_regularizer=inf", "objective.energy_regularizer", "found inf"),
        ("optimizer.learning_rate=0", "optimizer.learning_rate", "above 0"),
        ("optimizer.learning_rate=nan", "optimizer.learning_rate", "found NaN"),
        ("optimizer.learning_rate=1e300", "optimizer.learning_rate", HUGE),
        ("optimizer.beta_1=1", "optimizer.beta_1", "below 1"),
        ("optimizer.beta_2=-0.1", "optimizer.beta_2", "at least 0"),
        // Above the largest number below 1 that the device has.
        ("optimizer.beta_2=0.99999999999", "optimizer.beta_2", "0.9999999"),
        ("optimizer.epsilon=0", "optimizer.epsilon", "above 0"),
        ("optimizer.epsilon=1e-300", "optimizer.epsilon", "1e-37"),
        ("optimizer.weight_decay=-1", "optimizer.weight_decay", "at least 0"),
        ("optimizer.gradient_clip=-1", "optimizer.gradient_clip", "above 0"),
        ("optimizer={kind=\"sgd\", learning_rate=1, momentum=1}", "optimizer.momentum", "below 1"),
        ("optimizer={kind=\"sgd\", learning_rate=1, weight_decay=-1}", "optimizer.weight_decay", "at least 0"),
        ("schedule.decay={kind=\"exponential\", factor=0, every=1}", "schedule.decay.factor", "above 0"),
        ("schedule.decay={kind=\"exponential\", factor=2, every=1}", "schedule.decay.factor", "at most 1"),
        ("schedule.decay={kind=\"exponential\", factor=1, every=0}", "schedule.decay.every", "at least 1"),
        ("schedule.decay={kind=\"cosine\", final_factor=2}", "schedule.decay.final_factor", "0 to 1"),
        ("schedule.decay={kind=\"linear\", final_factor=nan}", "schedule.decay.final_factor", "0 to 1"),
        ("training.steps=0", "training.steps", "at least 1"),
        ("training.batch_size=0", "training.batch_size", "at least 1"),
        ("training.batch_size=-8", "training.batch_size", "-8"),
        ("training.data_noise=-1", "training.data_noise", "at least 0"),
        ("training.ema_decay=1", "training.ema_decay", "below 1"),
        ("recovery.max_bad_steps=0", "recovery.max_bad_steps", "at least 1"),
        ("recovery.max_rollbacks=4294967295", "recovery.max_rollbacks", "up to 1000000"),
        ("recovery.energy_limit=0", "recovery.energy_limit", "above 0"),
        ("recovery.energy_limit=inf", "recovery.energy_limit", "found inf"),
        ("output.log_every=0", "output.log_every", "at least 1"),
        ("output.sample_every=0", "output.sample_every", "at least 1"),
        ("output.sample_count=0", "output.sample_count", "from 1"),
        ("output.sample_count=1000000000000", "output.sample_count", "to 10000"),
        ("output.sample_steps=4294967296", "output.sample_steps", "at most 1000000000"),
        ("output.checkpoint_every=0", "output.checkpoint_every", "at least 1"),
        ("output.keep_checkpoints=1", "output.keep_checkpoints", "at least 2"),
    ];
    let folder = workspace();
    for (change, key, expected) in cases {
        refuse_to_train(
            folder.path(),
            &["--set", change],
            2,
            &[&format!("`{key}`"), "found ", "expected ", expected],
        );
    }
}

#[test]
fn more_layers_than_any_network_has() {
    let folder = workspace();
    let list = |count: usize, layer: &str| vec![layer; count].join(", ");
    for (change, key) in [
        (
            format!("model.hidden=[{}]", list(100_000, "1")),
            "`model.hidden`",
        ),
        (
            format!(
                "model={{kind=\"conv_net\", layers=[{}]}}",
                list(1001, "[1, 3, 1, 1]")
            ),
            "`model.layers`",
        ),
        (
            format!("model={{kind=\"dbm\", hidden=[{}]}}", list(2000, "1")),
            "`model.hidden`",
        ),
    ] {
        // Too long for a command line.
        let mut table = ConfigTable::parse(TINY, "test".into()).unwrap();
        table.set(&change).unwrap();
        let message = table.read().unwrap_err().to_string();
        for needle in [key, "layers, expected at most 1000 layers"] {
            assert!(message.contains(needle), "no {needle}: {message}");
        }
        assert!(message.len() < 200, "{message}");
    }
    let layers = format!("model.hidden=[{}]", list(1001, "1"));
    let needles = ["`model.hidden`", "found 1001 layers", "at most 1000"];
    refuse_to_train(folder.path(), &["--set", &layers], 2, &needles);
    // As many as may be can be trained.
    let layers = format!("model.hidden=[{}]", list(1000, "2"));
    let short = ["--set", &layers, "--set", "training.steps=1"];
    train(folder.path(), "deep", &short);
}

#[test]
fn batches_that_no_machine_holds() {
    let folder = workspace();
    let wide = [
        "--set",
        "data={kind=\"two_moons\", count=1000000}",
        "--set",
        "training.batch_size=1000000",
        "--set",
        "model.hidden=[1048576, 1]",
        "--set",
        "chains={kind=\"persistent\"}",
    ];
    let needles = ["`training.batch_size`", "found 1000000", "fit into memory"];
    refuse_to_train(folder.path(), &wide, 2, &needles);
}

#[test]
fn keys_and_types() {
    #[rustfmt::skip]
    let cases: &[(&str, &[&str])] = &[
        ("foo=1", &["key `foo`", "expected one of `seed`", "`output`"]),
        ("foo.bar=1", &["key `foo`"]),
        ("training.step=5", &["key `training.step`", "expected one of `steps`"]),
        ("model.widths=[5]", &["key `model.widths`", "expected `hidden` or `activation`"]),
        ("schedule.decay={kind=\"constant\", rate=1}", &["key `schedule.decay.rate`"]),
        ("model.kind=transformer", &["key `model.kind`", "\"transformer\"", "\"mlp\" \"conv_net\""]),
        ("model.kind=5", &["key `model.kind`", "found 5"]),
        ("model.kind=none", &["key `model.kind`", "missing"]),
        // What the kind before leaves behind, and how to be rid of it.
        ("chains.kind=data", &["key `chains.capacity`", "--set chains.capacity=none", "'chains={kind=\"data\"}'"]),
        ("model=5", &["key `model`", "integer `5`", "expected a section"]),
        ("model=none", &["key `model`", "found nothing"]),
        ("model.hidden=6", &["key `model.hidden`", "integer `6`", "expected a list"]),
        ("model.hidden=[[6]]", &["key `model.hidden[0]`", "list", "whole number"]),
        ("model.activation=step", &["key `model.activation`", "`step`", "leaky_relu(SLOPE)"]),
        ("model.activation=leaky_relu(nan)", &["key `model.activation`"]),
        ("data.range=[1, 2, 3]", &["key `data.range`", "list of length 3"]),
        ("data.range=1", &["key `data.range`", "length 2"]),
        ("data={kind=\"folder\", path=5}", &["key `data.path`", "integer `5`"]),
        ("data={kind=\"folder\", path=\"x\", fit=\"pad\"}", &["key `data.fit`", "`pad`", "`crop`"]),
        ("training.steps=many", &["key `training.steps`", "\"many\"", "whole number"]),
        ("training.steps=1.5", &["key `training.steps`", "`1.5`", "whole number"]),
        ("training.steps=-1", &["key `training.steps`", "`-1`", "at least 0"]),
        ("training.steps=none", &["key `training.steps`", "found nothing"]),
        ("training.ema_decay=\"x\"", &["key `training.ema_decay`", "\"x\"", "a number"]),
        ("schedule=5", &["key `schedule`", "expected a section"]),
        ("schedule.decay=5", &["key `schedule.decay`", "expected a section"]),
        ("sampler.clamp=1", &["key `sampler.clamp`", "a boolean"]),
        ("seed=-1", &["key `seed`", "`-1`"]),
        ("seed=9223372036854775808", &["seed=9223372036854775808", "at most 9223372036854775807"]),
        ("backend=5", &["key `backend`", "a string"]),
        ("backend=tpu", &["backend `tpu`", "flex"]),
        ("training.steps", &["`--set training.steps`", "no `=`", "training.steps=500"]),
        ("=5", &["`--set =5`", "key is empty"]),
        ("a..b=5", &["`--set a..b=5`", "key is empty"]),
        ("seed.x=5", &["`--set seed.x=5`", "`seed` is not a section"]),
    ];
    let folder = workspace();
    for (change, needles) in cases {
        refuse_to_train(folder.path(), &["--set", change], 2, needles);
    }
}

#[test]
fn configuration_files() {
    let folder = workspace();
    let write = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    write("half.toml", b"seed = 1\n[data\n");
    write("twice.toml", b"seed = 1\nseed = 2\n");
    write("binary.toml", b"\xff\xfe\x00");
    write("empty.toml", b"");
    write("list.toml", b"[[data]]\nkind = \"digits\"\n");
    write("seed.toml", b"seed = 9223372036854775808\n");
    fs::create_dir(folder.path().join("folder.toml")).unwrap();
    #[rustfmt::skip]
    let cases: &[(&str, &[&str])] = &[
        ("absent.toml", &["absent.toml", "No such file"]),
        ("folder.toml", &["folder.toml", "directory"]),
        ("half.toml", &["half.toml", "line 2", "expected `]`"]),
        ("twice.toml", &["twice.toml", "line 2", "duplicate"]),
        ("binary.toml", &["binary.toml", "UTF-8"]),
        ("empty.toml", &["empty.toml", "key `data`", "found nothing"]),
        ("list.toml", &["list.toml", "key `data`", "expected a section"]),
        ("seed.toml", &["seed.toml", "line 1", "9223372036854775808"]),
    ];
    for (file, needles) in cases {
        refuse(folder.path(), &["train", file, "--out", "out"], 2, needles);
        refuse(folder.path(), &["config", file], 2, needles);
        assert!(!folder.path().join("out").exists());
    }
}
