//! Every exception of the CloudHSM V2 API, with its name on the wire and its HTTP status.

use std::fmt;

macro_rules! exceptions {
    ($($variant:ident $name:literal $status:literal,)+) => {
        /// An exception of the CloudHSM V2 API. Its message is the member `Message`, in upper case.
        ///
        /// Variants are named as the exceptions, without `CloudHsm` and `Exception`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Exception {
            $(
                #[doc = concat!("`", $name, "`, HTTP ", $status)]
                $variant,
            )+
        }

        impl Exception {
            /// Every exception.
            pub const ALL: &'static [Exception] = &[$(Exception::$variant),+];

            /// The name in `__type` of the error body.
            pub const fn name(self) -> &'static str {
                match self { $(Exception::$variant => $name,)+ }
            }

            /// The HTTP status of the answer: 500 where the model marks the exception as the service's fault.
            pub const fn status(self) -> u16 {
                match self { $(Exception::$variant => $status,)+ }
            }
        }
    };
}

exceptions! {
    AccessDenied "CloudHsmAccessDeniedException" 400,
    InternalFailure "CloudHsmInternalFailureException" 500,
    InvalidRequest "CloudHsmInvalidRequestException" 400,
    ResourceLimitExceeded "CloudHsmResourceLimitExceededException" 400,
    ResourceNotFound "CloudHsmResourceNotFoundException" 400,
    Service "CloudHsmServiceException" 400,
    Tag "CloudHsmTagException" 400,
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::shape::cloudhsm_operations;

    #[test]
    fn they_are_those_of_the_model() {
        let declared: BTreeSet<_> =
            cloudhsm_operations().iter().flat_map(|operation| operation.errors).copied().collect();
        let listed: BTreeSet<_> = Exception::ALL.iter().map(|exception| exception.name()).collect();
        assert_eq!(declared, listed);
        assert_eq!(listed.len(), Exception::ALL.len());
    }
}
