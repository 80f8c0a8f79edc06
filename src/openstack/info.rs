//! What a Glance says that it can do: its import methods and its stores.

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::call::Call;
use super::error::Error;
use super::image::Image;
use crate::domain::import::{Offered, Store};

impl Image {
    /// Asks for import methods and stores: two calls. A cloud that knows neither call has neither.
    pub async fn offered(&self) -> Result<Offered, Error> {
        #[derive(Default, Deserialize)]
        struct Methods {
            #[serde(rename = "import-methods")]
            methods: Values,
        }
        #[derive(Default, Deserialize)]
        struct Values {
            value: Vec<String>,
        }
        #[derive(Default, Deserialize)]
        struct Stores {
            stores: Vec<StoreDocument>,
        }
        let Methods { methods } = self
            .info("import", "ask for the import methods", "import methods")
            .await?;
        let Stores { stores } = self
            .info("stores", "ask for the stores", "a list of stores")
            .await?;
        Ok(Offered {
            methods: methods.value.into_iter().collect(),
            stores: stores.into_iter().map(StoreDocument::store).collect(),
        })
    }

    async fn info<T: Default + serde::de::DeserializeOwned>(
        &self,
        what: &str,
        doing: &str,
        expected: &'static str,
    ) -> Result<T, Error> {
        let call = Call::new(Method::GET, self.url(&["info", what]), doing);
        let answer = self.session.send(&call).await?;
        // Glance says it of stores where there is one only; old ones do not know either.
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(T::default());
        }
        self.parsed(&call, &answer, &[StatusCode::OK], expected)
    }
}

#[derive(Deserialize)]
struct StoreDocument {
    id: String,
    default: Option<Value>,
    #[serde(rename = "read-only")]
    read_only: Option<Value>,
}

impl StoreDocument {
    fn store(self) -> Store {
        // Glance 33 says `"true"`, its API reference both that and the boolean.
        let is = |value: Option<Value>| {
            value.is_some_and(|value| value == Value::Bool(true) || value == "true")
        };
        Store {
            id: self.id,
            is_default: is(self.default),
            is_read_only: is(self.read_only),
        }
    }
}
