//! Requests from the networks that the operator names come through a VPC endpoint.

use keystead_core::kms::VpcEndpoint;
use keystead_server::VpcEndpointNetworks;

use super::support::Running;
use super::support::http1::call;
use super::support::request::Request;

fn endpoint(id: &str, networks: &[&str]) -> VpcEndpointNetworks {
    VpcEndpointNetworks {
        endpoint: VpcEndpoint { vpc_endpoint_id: id.to_owned(), vpc_id: "vpc-1a2b3c4d".to_owned() },
        networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
    }
}

#[tokio::test]
async fn the_most_specific_network_of_the_client_decides() {
    let far = endpoint("vpce-00000000", &["10.0.0.0/8", "0.0.0.0/1"]);
    let near = endpoint("vpce-1a2b3c4d", &["127.0.0.0/8"]);
    for (endpoints, told) in [
        (vec![far.clone(), near], " through vpce-1a2b3c4d of vpc-1a2b3c4d"),
        (vec![far], " through vpce-00000000 of vpc-1a2b3c4d"),
        (vec![endpoint("vpce-00000000", &["10.0.0.0/8", "::/0"])], ""),
        (Vec::new(), ""),
    ] {
        let server = Running::behind(endpoints).await;
        let response = call(&server, &Request::ec2(server.address, "Action=A")).await;
        assert_eq!(String::from_utf8(response.body).unwrap(), format!("ec2 - Action=A{told}"));
    }
}
