//! Every exception a client can meet, with its name on the wire and its HTTP status.

use crate::exception_table::exceptions;

// Status: every exception recorded from real KMS came with 400; the model marks three as the service's fault.
exceptions! {
    /// An exception of the KMS API, or of the front end before it: first those of the model, then those of the front end.
    ///
    /// Variants are named as the exceptions, without `Exception` at the end.
    pub enum Exception {
        AlreadyExists "AlreadyExistsException" 400,
        CloudHsmClusterInUse "CloudHsmClusterInUseException" 400,
        CloudHsmClusterInvalidConfiguration "CloudHsmClusterInvalidConfigurationException" 400,
        CloudHsmClusterNotActive "CloudHsmClusterNotActiveException" 400,
        CloudHsmClusterNotFound "CloudHsmClusterNotFoundException" 400,
        CloudHsmClusterNotRelated "CloudHsmClusterNotRelatedException" 400,
        Conflict "ConflictException" 400,
        CustomKeyStoreHasCmks "CustomKeyStoreHasCMKsException" 400,
        CustomKeyStoreInvalidState "CustomKeyStoreInvalidStateException" 400,
        CustomKeyStoreNameInUse "CustomKeyStoreNameInUseException" 400,
        CustomKeyStoreNotFound "CustomKeyStoreNotFoundException" 400,
        DependencyTimeout "DependencyTimeoutException" 500,
        Disabled "DisabledException" 400,
        DryRunOperation "DryRunOperationException" 400,
        ExpiredImportToken "ExpiredImportTokenException" 400,
        IncorrectKey "IncorrectKeyException" 400,
        IncorrectKeyMaterial "IncorrectKeyMaterialException" 400,
        IncorrectTrustAnchor "IncorrectTrustAnchorException" 400,
        InvalidAliasName "InvalidAliasNameException" 400,
        InvalidArn "InvalidArnException" 400,
        InvalidCiphertext "InvalidCiphertextException" 400,
        InvalidGrantId "InvalidGrantIdException" 400,
        InvalidGrantToken "InvalidGrantTokenException" 400,
        InvalidImportToken "InvalidImportTokenException" 400,
        InvalidKeyUsage "InvalidKeyUsageException" 400,
        InvalidMarker "InvalidMarkerException" 400,
        KeyUnavailable "KeyUnavailableException" 500,
        KmsInternal "KMSInternalException" 500,
        KmsInvalidMac "KMSInvalidMacException" 400,
        KmsInvalidSignature "KMSInvalidSignatureException" 400,
        KmsInvalidState "KMSInvalidStateException" 400,
        LimitExceeded "LimitExceededException" 400,
        MalformedPolicyDocument "MalformedPolicyDocumentException" 400,
        NotFound "NotFoundException" 400,
        Tag "TagException" 400,
        UnsupportedOperation "UnsupportedOperationException" 400,
        XksKeyAlreadyInUse "XksKeyAlreadyInUseException" 400,
        XksKeyInvalidConfiguration "XksKeyInvalidConfigurationException" 400,
        XksKeyNotFound "XksKeyNotFoundException" 400,
        XksProxyIncorrectAuthenticationCredential "XksProxyIncorrectAuthenticationCredentialException" 400,
        XksProxyInvalidConfiguration "XksProxyInvalidConfigurationException" 400,
        XksProxyInvalidResponse "XksProxyInvalidResponseException" 400,
        XksProxyUriEndpointInUse "XksProxyUriEndpointInUseException" 400,
        XksProxyUriInUse "XksProxyUriInUseException" 400,
        XksProxyUriUnreachable "XksProxyUriUnreachableException" 400,
        XksProxyVpcEndpointServiceInUse "XksProxyVpcEndpointServiceInUseException" 400,
        XksProxyVpcEndpointServiceInvalidConfiguration "XksProxyVpcEndpointServiceInvalidConfigurationException" 400,
        XksProxyVpcEndpointServiceNotFound "XksProxyVpcEndpointServiceNotFoundException" 400,
        AccessDenied "AccessDeniedException" 400,
        ExpiredToken "ExpiredTokenException" 400,
        IncompleteSignature "IncompleteSignatureException" 400,
        InternalFailure "InternalFailure" 500,
        InvalidSignature "InvalidSignatureException" 400,
        // 400 or 403 is unverified for KMS.
        MissingAuthenticationToken "MissingAuthenticationTokenException" 400,
        RequestEntityTooLarge "RequestEntityTooLargeException" 413,
        Serialization "SerializationException" 400,
        Throttling "ThrottlingException" 400,
        UnknownOperation "UnknownOperationException" 400,
        UnrecognizedClient "UnrecognizedClientException" 400,
        Validation "ValidationException" 400,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::shape::operations;

    #[test]
    fn the_exceptions_of_the_model_are_exactly_the_first_part_of_the_table() {
        let declared: BTreeSet<_> = operations().iter().flat_map(|operation| operation.errors).copied().collect();
        let modelled: BTreeSet<_> = Exception::ALL
            .iter()
            .take_while(|exception| **exception != Exception::AccessDenied)
            .map(|exception| exception.name())
            .collect();
        assert_eq!(declared, modelled);
    }

    #[test]
    fn names_are_unique_and_variants_follow_them() {
        let names: BTreeSet<_> = Exception::ALL.iter().map(|exception| exception.name()).collect();
        assert_eq!(names.len(), Exception::ALL.len());
        for exception in Exception::ALL {
            let variant = format!("{exception:?}").to_lowercase();
            let name = exception.name();
            assert_eq!(variant, name.strip_suffix("Exception").unwrap_or(name).to_lowercase());
        }
    }

    #[test]
    fn statuses() {
        let with = |status: u16| -> Vec<_> {
            Exception::ALL.iter().filter(|exception| exception.status() == status).map(|e| e.name()).collect()
        };
        let faults =
            ["DependencyTimeoutException", "KeyUnavailableException", "KMSInternalException", "InternalFailure"];
        assert_eq!(with(500), faults);
        assert_eq!(with(413), ["RequestEntityTooLargeException"]);
        assert_eq!(with(400).len(), Exception::ALL.len() - 5);
    }
}
