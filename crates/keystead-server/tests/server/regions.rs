//! One server, several Regions: KMS answers in each of them, the other services in the home Region, and whatever comes of a request is
//! recorded in the Region that it asked.

use super::support::http1::call;
use super::support::request::{Request, Signer};
use super::support::{HOME_REGION, OTHER_REGION, Running};

const UNSERVED: &str = "eu-west-1";

fn random(host: &str, signer: Signer<'_>) -> Request {
    Request::new(host, "GenerateRandom", r#"{"NumberOfBytes":8}"#).signed_by(&signer)
}

fn clusters(host: &str, region: &'static str) -> Request {
    Request::cloudhsm(host, "DescribeClusters", "{}")
        .without("x-amz-date")
        .without("authorization")
        .signed_by(&Signer { service: "cloudhsm", region, ..Signer::default() })
}

#[tokio::test]
async fn each_request_is_answered_and_recorded_where_it_asks() {
    let server = Running::start().await;
    let host = server.address.to_string();
    let kms = |region| random(&host, Signer { region, ..Signer::default() });
    let forged = |region| random(&host, Signer { region, secret: "another", ..Signer::default() });
    let unknown =
        |region| Request::new(&host, "NoSuchOperation", "{}").signed_by(&Signer { region, ..Signer::default() });
    let wrong_region = |region: &str| format!("Credential should be scoped to a valid region, not '{region}'. ");
    for (name, request, region, refusal) in [
        ("KMS at home", kms(HOME_REGION), HOME_REGION, None),
        ("KMS elsewhere", kms(OTHER_REGION), OTHER_REGION, None),
        ("KMS where there is none", kms(UNSERVED), HOME_REGION, Some(wrong_region(UNSERVED))),
        (
            "forged elsewhere",
            forged(OTHER_REGION),
            OTHER_REGION,
            Some("The request signature we calculated".to_owned()),
        ),
        ("no operation elsewhere", unknown(OTHER_REGION), OTHER_REGION, Some(String::new())),
        ("CloudHSM at home", clusters(&host, HOME_REGION), HOME_REGION, None),
        ("CloudHSM elsewhere", clusters(&host, OTHER_REGION), HOME_REGION, Some(wrong_region(OTHER_REGION))),
    ] {
        let response = call(&server, &request).await;
        match refusal {
            None => assert_eq!(response.status, 200, "{name}"),
            Some(message) => {
                let json = response.json();
                // CloudHSM writes the member with a capital.
                let said = json["message"].as_str().or(json["Message"].as_str()).unwrap_or_default();
                assert!(response.status == 400 && said.starts_with(&message), "{name}: {json}");
            }
        }
        let records = server.records.all();
        let record = records.last().unwrap();
        assert_eq!(record["requestID"].as_str(), response.header("x-amzn-requestid"), "{name}");
        assert_eq!(record["awsRegion"].as_str(), Some(region), "{name}");
    }
}

/// The signing key that is kept for an access key is that of one Region at a time, and never another's.
#[tokio::test]
async fn regions_may_be_asked_in_turns() {
    let server = Running::start().await;
    for region in [HOME_REGION, OTHER_REGION, HOME_REGION, OTHER_REGION] {
        let signer = Signer { region, ..Signer::default() };
        assert_eq!(call(&server, &random(&server.address.to_string(), signer)).await.status, 200, "{region}");
    }
}
