//! Which class each image belongs to: one whole number an image, and the classes' names.

use super::DataError;

/// The class of each image, `[count]`, from 0 to below [`classes`](Self::classes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    indices: Vec<u32>,
    classes: usize,
    names: Option<Vec<String>>,
}

impl Labels {
    /// Labels of as many classes as they themselves need: the largest of them and one more.
    pub fn new(indices: Vec<u32>) -> Self {
        let largest = indices.iter().max();
        let classes = largest.map_or(0, |&largest| largest as usize + 1);
        Self {
            indices,
            classes,
            names: None,
        }
    }

    /// Labels of a known number of classes, not all of which have to occur.
    ///
    /// # Errors
    /// [`DataError::Labels`] if a label isn't below `classes`.
    pub fn of_classes(indices: Vec<u32>, classes: usize) -> Result<Self, DataError> {
        check_below(&indices, classes, "classes")?;
        Ok(Self {
            indices,
            classes,
            names: None,
        })
    }

    /// Labels of classes that have names, which are indexed by label.
    ///
    /// # Errors
    /// [`DataError::Labels`] if a label has no name.
    pub fn named(indices: Vec<u32>, names: Vec<String>) -> Result<Self, DataError> {
        check_below(&indices, names.len(), "label names")?;
        Ok(Self {
            indices,
            classes: names.len(),
            names: Some(names),
        })
    }

    /// How many labels, one an image.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there isn't one label.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The labels, `[count]`.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// The number of classes, those included that none of these images belongs to.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The name of each class, indexed by label, or `None` if the source names none.
    pub fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// The labels at `rows`, in that order.
    pub(super) fn subset(&self, rows: &[usize]) -> Self {
        Self {
            indices: rows.iter().map(|&row| self.indices[row]).collect(),
            classes: self.classes,
            names: self.names.clone(),
        }
    }

    /// Keeps the first `count` labels, and the number of classes.
    pub(super) fn truncate(&mut self, count: usize) {
        self.indices.truncate(count);
    }
}

/// Fails with the first label that isn't below `count`, the number of `what`.
fn check_below(indices: &[u32], count: usize, what: &str) -> Result<(), DataError> {
    match indices.iter().find(|&&label| label as usize >= count) {
        None => Ok(()),
        Some(label) => Err(DataError::Labels {
            found: format!("label {label}"),
            expected: format!("labels below {count}, the number of {what}"),
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_classes_is_counted_or_said() {
        assert_eq!(Labels::new(vec![1, 4, 0]).classes(), 5);
        assert_eq!(Labels::new(vec![]).classes(), 0);
        let said = Labels::of_classes(vec![1, 4], 10).unwrap();
        assert_eq!((said.classes(), said.names()), (10, None));
        let error = Labels::of_classes(vec![1, 4], 4).unwrap_err();
        assert_eq!(
            error.to_string(),
            "image labels: found label 4, expected labels below 4, the number of classes"
        );
    }

    #[test]
    fn what_is_cut_keeps_its_classes() {
        let mut labels = Labels::new(vec![0, 1, 2]);
        labels.truncate(1);
        assert_eq!((labels.len(), labels.classes()), (1, 3));
        let some = Labels::new(vec![0, 1, 2]).subset(&[1, 1]);
        assert_eq!((some.indices(), some.classes()), (&[1, 1][..], 3));
    }
}
