//! How a table of exceptions becomes an enum: the same for every API.

/// An enum of exceptions from rows of variant, name on the wire, HTTP status.
macro_rules! exceptions {
    ($(#[$meta:meta])* pub enum Exception { $($variant:ident $name:literal $status:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Exception {
            $(
                #[doc = concat!("`", $name, "`, HTTP ", $status)]
                $variant,
            )+
        }

        impl Exception {
            /// Every exception, in the order of the table.
            pub const ALL: &'static [Exception] = &[$(Exception::$variant),+];

            /// The name in `__type` of the error body.
            pub const fn name(self) -> &'static str {
                match self { $(Exception::$variant => $name,)+ }
            }

            /// The HTTP status of the answer.
            pub const fn status(self) -> u16 {
                match self { $(Exception::$variant => $status,)+ }
            }
        }

        impl std::fmt::Display for Exception {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

pub(crate) use exceptions;
