//! A bare hyper server that answers every request with its own body.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::arguments::EchoServerArguments;
use crate::{Failure, output};

/// Serves until killed, on the runtime that Keystead uses.
pub(crate) fn run(arguments: &EchoServerArguments) -> Result<(), Failure> {
    let acceptor = match (&arguments.certificate, &arguments.private_key) {
        (Some(certificate), Some(private_key)) => {
            let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
            Some(acceptor(chain, PrivateKeyDer::from_pem_file(private_key)?)?)
        }
        _ => None,
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        output::line(&format!("ready {scheme}://{}", listener.local_addr()?))?;
        serve(listener, acceptor).await
    })
}

fn acceptor(
    chain: Vec<CertificateDer<'static>>,
    private_key: PrivateKeyDer<'static>,
) -> Result<TlsAcceptor, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private_key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves what is accepted until accepting fails.
pub(crate) async fn serve(listener: TcpListener, acceptor: Option<TlsAcceptor>) -> Result<(), Failure> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let served = match acceptor {
                None => serve_connection(stream).await,
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => serve_connection(stream).await,
                    Err(error) => Err(error.into()),
                },
            };
            // The client's own report counts; this one explains it.
            if let Err(error) = served {
                eprintln!("echo-server: {error}");
            }
        });
    }
}

async fn serve_connection(stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<(), Failure> {
    Ok(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(echo)).await?)
}

async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Failure> {
    let body = request.into_body().collect().await?.to_bytes();
    Ok(Response::new(Full::new(body)))
}
