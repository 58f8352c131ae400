//! Every exception of the CloudHSM V2 API, with its name on the wire and its HTTP status.

use crate::exception_table::exceptions;

exceptions! {
    /// An exception of the CloudHSM V2 API. Its message is the member `Message`, in upper case. The status is 500 where the model marks the
    /// exception as the service's fault.
    ///
    /// Variants are named as the exceptions, without `CloudHsm` and `Exception`.
    pub enum Exception {
        AccessDenied "CloudHsmAccessDeniedException" 400,
        InternalFailure "CloudHsmInternalFailureException" 500,
        InvalidRequest "CloudHsmInvalidRequestException" 400,
        ResourceLimitExceeded "CloudHsmResourceLimitExceededException" 400,
        ResourceNotFound "CloudHsmResourceNotFoundException" 400,
        Service "CloudHsmServiceException" 400,
        Tag "CloudHsmTagException" 400,
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
