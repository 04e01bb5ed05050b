//! Paths in a configuration, which must mean the same wherever the run is used.

use std::path::PathBuf;

use super::RunConfig;

impl RunConfig {
    /// The same with every path from the root on: those that aren't lead on from the current
    /// folder, as paths of a command do, wherever they were written.
    #[must_use]
    pub fn with_absolute_paths(mut self) -> Self {
        for path in self.paths_mut() {
            // An empty path stands for one that isn't given yet, and stays.
            if let Ok(absolute) = std::path::absolute(&*path) {
                *path = absolute;
            }
        }
        self
    }

    /// Every key that holds a path.
    fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        let mut paths = Vec::new();
        paths.extend(self.data.keys_mut().path_mut());
        paths.extend(self.training.start_from.as_mut());
        paths
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::ConfigTable;

    #[test]
    fn every_path_leads_on_from_the_current_folder() {
        let here = std::env::current_dir().expect("there is one");
        let read = |data: &str, from: &str| {
            let mut table = ConfigTable::from_preset("digits").expect("a preset");
            for change in [
                &format!("data={{kind=\"folder\", path=\"{data}\"}}"),
                &format!("training.start_from=\"{from}\""),
            ] {
                table.set(change).expect("a key");
            }
            table.read().expect("it is right").with_absolute_paths()
        };
        let config = read("images", "./runs/a");
        assert_eq!(config.data.place(), here.join("images"));
        assert_eq!(config.training.start_from, Some(here.join("runs/a")));
        assert_eq!(config.clone().with_absolute_paths(), config);
        // What isn't given isn't the current folder.
        assert_eq!(read("", "/a").data.place(), Path::new(""));
        // Nothing that looks like a path is left as it was.
        let text = read("relative/images", "relative/run")
            .to_toml()
            .expect("plain values");
        assert!(!text.contains("\"relative/"), "{text}");
    }
}
