//! `names!`: the members of a family, an enum whose variants are spelled as ONNX spells its operators.

macro_rules! names {
    ($(#[$doc:meta])* $Enum:ident { $($Name:ident)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "ONNX's names say it")]
        pub enum $Enum {
            $($Name,)*
        }

        impl $Enum {
            /// The member that the operator's name says.
            fn named(name: &str) -> crate::Result<$Enum> {
                match name {
                    $(stringify!($Name) => Ok($Enum::$Name),)*
                    _ => Err(err!(Internal, "'{name}' is in the table but not in its family")),
                }
            }
        }
    };
}
