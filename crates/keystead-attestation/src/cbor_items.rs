//! Walking through a CBOR array or map, of definite or indefinite length (RFC 8949, sections 3.2.1 and 3.2.2).

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

/// The byte that ends an array or map of indefinite length.
const BREAK_BYTES: usize = 1;

/// How many items of an array, or entries of a map, are still to come.
pub(crate) enum Items {
    /// The head told the number.
    Definite(u64),
    /// A break byte ends them.
    Indefinite,
}

impl Items {
    /// What follows the head of an array or map, as [`Decoder::array`] and [`Decoder::map`] tell it.
    pub(crate) fn announced(length: Option<u64>) -> Self {
        length.map_or(Self::Indefinite, Self::Definite)
    }

    /// Whether another item follows; `decoder` stands at it then, and behind the array or map otherwise.
    pub(crate) fn advance(&mut self, decoder: &mut Decoder<'_>) -> Result<bool, Error> {
        match self {
            Self::Definite(0) => Ok(false),
            Self::Definite(left) => {
                *left -= 1;
                Ok(true)
            }
            Self::Indefinite if decoder.datatype()? == Type::Break => {
                decoder.set_position(decoder.position() + BREAK_BYTES);
                *self = Self::Definite(0);
                Ok(false)
            }
            Self::Indefinite => Ok(true),
        }
    }
}
