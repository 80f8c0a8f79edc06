//! The GraphQL endpoint: every document and its variables are held against GitHub's own schema before anything is done.

mod mutations;
mod nodes;
mod queries;

use std::cell::RefCell;
use std::sync::OnceLock;

use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::serde_json_bytes;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::{Value, json};

use super::request::{Answer, Answered, Request};
use super::tokens::{Caller, Kind};
use super::world::World;
use crate::forge::judges;

/// GitHub's schema.
pub fn schema() -> &'static Valid<Schema> {
    static SCHEMA: OnceLock<Valid<Schema>> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let path = judges::folder().join("schema.graphql");
        let text = std::fs::read_to_string(&path).expect("the schema that `tests/github/up` made");
        Schema::parse_and_validate(text, path).expect("a valid schema")
    })
}

/// What is wrong with a document by itself.
pub fn violations_of(document: &str) -> Result<Valid<ExecutableDocument>, String> {
    ExecutableDocument::parse_and_validate(schema(), document, "request.graphql")
        .map_err(|wrong| wrong.to_string())
}

/// An error that GitHub tells with its kind.
pub struct Refusal {
    pub kind: &'static str,
    pub message: String,
}

pub fn refusal(kind: &'static str, message: impl Into<String>) -> Refusal {
    Refusal {
        kind,
        message: message.into(),
    }
}

/// `POST graphql`
pub fn answer(world: &mut World, request: &Request) -> Answered {
    if !world.settings.has_graphql {
        return Err(Answer::missing());
    }
    if request.caller.kind == Kind::Stranger {
        return Err(Answer::error(
            401,
            "This endpoint requires you to be authenticated.",
        ));
    }
    match execute(world, request) {
        Ok(body) => Answer::ok(body),
        Err(wrong) => {
            let first = wrong
                .lines()
                .find(|line| !line.trim().is_empty())
                .unwrap_or_default()
                .to_owned();
            world.violations.push(wrong);
            Answer::ok(json!({"errors": [{"message": first}]}))
        }
    }
}

/// Executes a valid request; an invalid one is told in words.
fn execute(world: &mut World, request: &Request) -> Result<Value, String> {
    let document = violations_of(request.text("query").ok_or("a request without a query")?)?;
    let name = request.text("operationName");
    let operation = document
        .operations
        .get(name)
        .map_err(|_| "no such operation".to_owned())?;
    let given = serde_json_bytes::Value::from(request.body["variables"].clone());
    let given = given.as_object().cloned().unwrap_or_default();
    let variables = coerce_variable_values(schema(), operation, &given)
        .map_err(|wrong| wrong.message().to_string())?;
    // A variable that the document does not have is a mistake, although GraphQL lets it pass.
    for (name, _) in &given {
        if !operation
            .variables
            .iter()
            .any(|one| one.name.as_str() == name.as_str())
        {
            return Err(format!("the document has no variable `{}`", name.as_str()));
        }
    }
    let root = operation.object_type().to_string();
    let context = Context {
        world: RefCell::new(world),
        caller: &request.caller,
        kinds: RefCell::default(),
    };
    let execution = Execution::new(schema(), &document)
        .operation(operation)
        .coerced_variable_values(&variables);
    let execution = execution.enable_schema_introspection(true);
    let done = execution.execute_sync(&Object {
        context: &context,
        value: json!({"__typename": root}),
    });
    let done = done.map_err(|wrong| wrong.message().to_string())?;
    let mut body = serde_json::to_value(&done).expect("JSON");
    let kinds = context.kinds.borrow();
    // Indexing would write `"errors": null`, which GitHub never says.
    let errors = body.get_mut("errors").and_then(Value::as_array_mut);
    for error in errors.into_iter().flatten() {
        let message = error["message"].as_str().unwrap_or_default();
        error["message"] = message
            .trim_start_matches("resolver error: ")
            .to_owned()
            .into();
        let known = kinds
            .iter()
            .find(|refusal| error["message"] == refusal.message.as_str());
        if let Some(refusal) = known {
            error["type"] = refusal.kind.into();
        }
    }
    Ok(body)
}

/// What resolving has at hand.
struct Context<'world> {
    world: RefCell<&'world mut World>,
    caller: &'world Caller,
    kinds: RefCell<Vec<Refusal>>,
}

/// Any object: JSON with its type's name, whose fields are its keys, beside those that take arguments.
struct Object<'a, 'world> {
    context: &'a Context<'world>,
    value: Value,
}

impl Context<'_> {
    fn fail(&self, refusal: Refusal) -> FieldError {
        let message = refusal.message.clone();
        self.kinds.borrow_mut().push(refusal);
        FieldError { message }
    }
}

impl ObjectValue for Object<'_, '_> {
    fn type_name(&self) -> &str {
        self.value["__typename"]
            .as_str()
            .expect("an object with its type's name")
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let field = info.field_name();
        let arguments = serde_json::to_value(info.arguments()).expect("JSON");
        let world = &mut **self.context.world.borrow_mut();
        let value = match self.type_name() {
            "Mutation" => mutations::field(world, self.context.caller, field, &arguments["input"]),
            _ => queries::field(world, self.context.caller, &self.value, field, &arguments),
        };
        let value = value.map_err(|refusal| self.context.fail(refusal))?;
        Ok(resolved(self.context, value))
    }
}

fn resolved<'a>(context: &'a Context<'_>, value: Value) -> ResolvedValue<'a> {
    match value {
        Value::Array(items) => ResolvedValue::List(Box::new(
            items
                .into_iter()
                .map(move |item| Ok(resolved(context, item))),
        )),
        value if value.get("__typename").is_some() => {
            ResolvedValue::object(Object { context, value })
        }
        value => ResolvedValue::leaf(serde_json_bytes::Value::from(value)),
    }
}
