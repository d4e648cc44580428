//! Goes through every text of an object, with its field path, without writing the object out.

use std::fmt::{self, Write as _};

use serde::Serialize;
use serde::ser::{
    self, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple,
    SerializeTupleStruct,
};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Field(&'static str),
    Key(String),
    Index(usize),
}

/// Where in an object a text stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Place(Vec<Segment>);

impl Place {
    /// The segment at this depth.
    pub fn get(&self, depth: usize) -> Option<&Segment> {
        self.0.get(depth)
    }

    /// Whether the field at this depth has this name.
    pub fn is_field(&self, depth: usize, name: &str) -> bool {
        matches!(self.0.get(depth), Some(Segment::Field(field)) if *field == name)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(number) => write!(f, "[{number}]")?,
                Segment::Field(name) => {
                    if index > 0 {
                        f.write_char('.')?;
                    }
                    f.write_str(name)?;
                }
                Segment::Key(name) if name.contains(['.', '/', '[', ' ']) => {
                    write!(f, "[{name}]")?;
                }
                Segment::Key(name) => {
                    if index > 0 {
                        f.write_char('.')?;
                    }
                    f.write_str(name)?;
                }
            }
        }
        Ok(())
    }
}

/// Calls `each` with every text in `object`, keys of maps included, in the order of its JSON.
pub(super) fn each_string<T: Serialize + ?Sized>(object: &T, each: &mut dyn FnMut(&Place, &str)) {
    let mut walk = Walk {
        place: Place::default(),
        each,
    };
    // The walk itself never fails; a value that can't be written as JSON has no texts to look at.
    let _ = object.serialize(&mut walk);
}

struct Walk<'a> {
    place: Place,
    each: &'a mut dyn FnMut(&Place, &str),
}

/// A value whose own serialization fails; nothing else does.
#[derive(Debug)]
struct Unwritable;

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value can't be written")
    }
}

impl std::error::Error for Unwritable {}

impl ser::Error for Unwritable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! ignore {
    ($($method:ident: $type:ty),+ $(,)?) => {
        $(fn $method(self, _: $type) -> Result<(), Unwritable> { Ok(()) })+
    };
}

impl<'w, 'a> ser::Serializer for &'w mut Walk<'a> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Items<'w, 'a>;
    type SerializeTuple = Items<'w, 'a>;
    type SerializeTupleStruct = Items<'w, 'a>;
    type SerializeTupleVariant = Impossible<(), Unwritable>;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<(), Unwritable>;

    ignore! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32,
        serialize_u64: u64, serialize_f32: f32, serialize_f64: f64, serialize_char: char,
        serialize_bytes: &[u8], serialize_unit_struct: &'static str,
    }

    fn serialize_str(self, text: &str) -> Result<(), Unwritable> {
        (self.each)(&self.place, text);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'w, 'a>, Unwritable> {
        Ok(Items {
            walk: self,
            index: 0,
        })
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<'w, 'a>, Unwritable> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Items<'w, 'a>, Unwritable> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Unwritable> {
        // Stands for the key until it is known.
        self.place.0.push(Segment::Field(""));
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Unwritable> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        Err(Unwritable)
    }
}

/// The elements of a list.
struct Items<'w, 'a> {
    walk: &'w mut Walk<'a>,
    index: usize,
}

impl Items<'_, '_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.walk.place.0.push(Segment::Index(self.index));
        let done = value.serialize(&mut *self.walk);
        self.walk.place.0.pop();
        self.index += 1;
        done
    }
}

impl SerializeSeq for Items<'_, '_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.item(value)
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}

impl SerializeTuple for Items<'_, '_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.item(value)
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}

impl SerializeTupleStruct for Items<'_, '_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.item(value)
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}

impl SerializeMap for &mut Walk<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        let mut text = String::new();
        each_string(key, &mut |_, key| text.push_str(key));
        self.place.0.pop();
        (self.each)(&self.place, &text);
        self.place.0.push(Segment::Key(text));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.place.0.pop();
        Ok(())
    }
}

impl SerializeStruct for &mut Walk<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.place.0.push(Segment::Field(name));
        let done = value.serialize(&mut **self);
        self.place.0.pop();
        done
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::each_string;

    #[test]
    fn finds_texts_and_keys_with_their_places() {
        let object = json!({"a": {"b": ["x", {"c/d": "y"}]}, "e": 1});
        let mut found = Vec::new();
        each_string(&object, &mut |place, text| {
            found.push(format!("{place}={text}"))
        });
        let expected = ["=a", "a=b", "a.b[0]=x", "a.b[1]=c/d", "a.b[1][c/d]=y", "=e"];
        assert_eq!(found, expected);
    }
}
