//! One more store for an image that is there.

use anyhow::Context as _;

use super::told;
use crate::domain::import::{Goal, Method, Patience};
use crate::domain::step::Step;
use crate::openstack::{Image, Import};

/// Copies an image's data into a store, unless another run has done it meanwhile.
pub async fn copy(service: &Image, step: &Step, id: &str, store: &str) -> anyhow::Result<()> {
    let image = service
        .image(id)
        .await?
        .context("the image has vanished; run again")?;
    if image.stores.contains(store) {
        return Ok(());
    }
    let stores = [store.to_owned()];
    let import = Import {
        method: Method::CopyImage,
        url: None,
        stores: &stores,
    };
    let begun = service.import(id, import).await?;
    let (wanted, patience) = (
        stores.iter().cloned().collect(),
        Patience::for_bytes(image.size.unwrap_or_default()),
    );
    let label = format!("{} into store {store}", step.image);
    service
        .imported(
            id,
            &begun,
            Goal::Copied(&wanted),
            patience,
            |image, task| {
                told(&label, image, task);
            },
        )
        .await?;
    Ok(())
}
