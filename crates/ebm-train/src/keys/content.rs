//! A value before it is known what it is to be: what a format gave, numbers that aren't finite
//! included.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{self, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

/// A value of any format.
#[derive(Clone, Debug, PartialEq)]
#[doc(hidden)]
pub(super) enum Content {
    Nothing,
    Truth(bool),
    Integer(i64),
    Natural(u64),
    Number(f64),
    Text(String),
    List(Vec<Content>),
    Part(Part),
}

/// Values by their keys, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq)]
#[doc(hidden)]
pub struct Part(Vec<(String, Content)>);

impl Part {
    /// Takes a value out.
    pub(super) fn take(&mut self, key: &str) -> Option<Content> {
        let place = self.0.iter().position(|(found, _)| found == key)?;
        Some(self.0.remove(place).1)
    }
}

impl Content {
    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Nothing => Unexpected::Unit,
            Self::Truth(value) => Unexpected::Bool(*value),
            Self::Integer(value) => Unexpected::Signed(*value),
            Self::Natural(value) => Unexpected::Unsigned(*value),
            Self::Number(value) => Unexpected::Float(*value),
            Self::Text(value) => Unexpected::Str(value),
            Self::List(_) => Unexpected::Seq,
            Self::Part(_) => Unexpected::Map,
        }
    }
}

impl fmt::Display for Content {
    /// As errors say it: text in quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Natural(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value:?}"),
            Self::Truth(value) => write!(f, "{value}"),
            other => write!(f, "{}", other.unexpected()),
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyContent)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnyPart)
    }
}

struct AnyContent;

impl<'de> Visitor<'de> for AnyContent {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Content, E> {
        Ok(Content::Nothing)
    }

    fn visit_none<E: Error>(self) -> Result<Content, E> {
        Ok(Content::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Truth(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Natural(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Content, E> {
        Ok(Content::Number(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Content::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Content, A::Error> {
        AnyPart.visit_map(map).map(Content::Part)
    }
}

struct AnyPart;

impl<'de> Visitor<'de> for AnyPart {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part, A::Error> {
        let mut values = Vec::new();
        while let Some(entry) = map.next_entry()? {
            values.push(entry);
        }
        Ok(Part(values))
    }
}

impl<'de> Deserializer<'de> for Part {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let mut map = MapDeserializer::new(self.0.into_iter());
        let value = visitor.visit_map(&mut map)?;
        map.end()?;
        Ok(value)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

impl<'de> Deserializer<'de> for Content {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Self::Nothing => visitor.visit_unit(),
            Self::Truth(value) => visitor.visit_bool(value),
            Self::Integer(value) => visitor.visit_i64(value),
            Self::Natural(value) => visitor.visit_u64(value),
            Self::Number(value) => visitor.visit_f64(value),
            Self::Text(value) => visitor.visit_string(value),
            Self::List(values) => {
                let count = values.len();
                let mut list = SeqDeserializer::<_, Self::Error>::new(values.into_iter());
                let value = visitor.visit_seq(&mut list)?;
                match list.end() {
                    Ok(()) => Ok(value),
                    Err(_) => Err(Error::invalid_length(count, &"fewer elements in array")),
                }
            }
            Self::Part(part) => part.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Self::Nothing => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self {
            Self::Text(name) => visitor.visit_enum(name.into_deserializer()),
            other => Err(Error::invalid_type(other.unexpected(), &"a name in quotes")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, value::Error> for Content {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_gives_is_given_again() {
        let text = r#"{"a": [1, -2, 0.5, true], "b": {"c": "text", "d": null}}"#;
        let content: Content = serde_json::from_str(text).expect("JSON");
        let again = serde_json::Value::deserialize(content).expect("the same");
        let expected: serde_json::Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(again, expected);
    }

    #[test]
    fn numbers_that_are_not_finite_stay() {
        let found = f64::deserialize(Content::Number(f64::NAN)).expect("a number");
        assert!(found.is_nan());
        assert_eq!(Content::Number(f64::NAN).to_string(), "NaN");
    }

    #[test]
    fn lists_that_are_too_long_and_names_without_quotes_are_refused() {
        let list = Content::List(vec![Content::Integer(1); 3]);
        let error = <[u8; 2]>::deserialize(list).expect_err("too long");
        assert!(error.to_string().contains("length 3"), "{error}");
        #[derive(Debug, Deserialize)]
        enum Name {
            Known,
        }
        assert!(matches!(
            Name::deserialize(Content::Text("Known".into())),
            Ok(Name::Known)
        ));
        let error = Name::deserialize(Content::Integer(5));
        let error = error.expect_err("no name").to_string();
        assert!(
            error.contains("integer `5`") && error.contains("a name in quotes"),
            "{error}"
        );
    }
}
