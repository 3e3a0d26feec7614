//! Protocol definitions: compiled when they are first used, then remembered by their hash.

use std::sync::Arc;

use prost_reflect::{DescriptorPool, MethodDescriptor, ServiceDescriptor};
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use quick_cache::sync::Cache;
use ring::digest::{SHA256, digest};

use crate::Failure;

/// How many compiled definitions are kept.
const MAX_DEFINITIONS: usize = 256;
/// The longest definition.
const MAX_BYTES: usize = 4 << 20;
/// How deep braces and brackets may nest: the compiler's parsers are recursive.
const MAX_NESTING: usize = 64;
/// The name under which the compiler knows the text.
const NAME: &str = "definition.proto";

/// A pool, or why there is none; both are the same every time.
type Compiled = Result<DescriptorPool, Arc<str>>;

/// Compiled definitions.
pub(super) struct Definitions(Cache<[u8; 32], Compiled>);

// === impl Definitions ===

impl Definitions {
    pub(super) fn new() -> Self {
        Self(Cache::new(MAX_DEFINITIONS))
    }

    pub(super) async fn compiled(&self, text: &Arc<str>) -> Result<DescriptorPool, Failure> {
        let hashed = digest(&SHA256, text.as_bytes());
        let key: [u8; 32] = hashed.as_ref().try_into().expect("SHA-256 has 32 bytes");
        let compiling = async {
            let text = Arc::clone(text);
            let compiled = tokio::task::spawn_blocking(move || compile(&text)).await;
            compiled.map_err(|_| wrong("the compiler failed"))
        };
        let compiled = self.0.get_or_insert_async(&key, compiling).await?;
        compiled.map_err(|reason| wrong(&reason))
    }
}

fn wrong(reason: &str) -> Failure {
    Failure::InvalidRequest(format!("the protocol definition cannot be used: {reason}"))
}

fn compile(text: &str) -> Compiled {
    if text.len() > MAX_BYTES {
        return Err(format!("it has {} bytes, more than {MAX_BYTES}", text.len()).into());
    }
    if nests_deeper(text, MAX_NESTING) {
        return Err(format!("it nests more than {MAX_NESTING} levels").into());
    }
    let mut files = ChainFileResolver::new();
    files.add(Only(text.to_owned()));
    files.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(files);
    match compiler.open_file(NAME) {
        Ok(compiler) => Ok(compiler.descriptor_pool()),
        Err(error) => Err(reason(&error).into()),
    }
}

/// With the line, which only the debug form has.
fn reason(error: &protox::Error) -> String {
    let text = format!("{error:?}");
    let text = text.lines().next().unwrap_or_default();
    let text = text
        .strip_prefix(NAME)
        .map_or_else(|| text.to_owned(), |place| format!("line {}", place.trim_start_matches(':')));
    if text.contains("import") && text.contains("not found") {
        return format!("{text}; only google/protobuf/… can be imported: put everything into one file");
    }
    text
}

/// The text under its name, and nothing else.
struct Only(String);

impl FileResolver for Only {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == NAME { File::from_source(NAME, &self.0) } else { Err(protox::Error::file_not_found(name)) }
    }
}

/// Counts what looks like nesting, also in texts and comments: too much of it there is no loss.
fn nests_deeper(text: &str, limit: usize) -> bool {
    let mut depth = 0_usize;
    text.bytes().any(|byte| {
        match byte {
            b'{' | b'[' | b'<' | b'(' => depth += 1,
            b'}' | b']' | b'>' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > limit
    })
}

// === looking up ===

/// The method; one that streams to the callee is refused.
pub(super) fn method(
    pool: &DescriptorPool,
    service: &str,
    method: &str,
) -> Result<MethodDescriptor, Failure> {
    let service = find_service(pool, service)?;
    let found = service.methods().find(|known| known.name() == method);
    let Some(found) = found else {
        let names = service.methods().map(|known| known.name().to_owned());
        return Err(wrong(&format!(
            "its service `{}` has no method `{}`{}",
            service.full_name(),
            shown(method),
            list(names)
        )));
    };
    if found.is_client_streaming() {
        return Err(wrong(&format!(
            "the method `{method}` takes a stream of messages, which is not supported: a call sends one"
        )));
    }
    Ok(found)
}

fn find_service(pool: &DescriptorPool, name: &str) -> Result<ServiceDescriptor, Failure> {
    let name = name.trim_start_matches('.');
    if let Some(service) = pool.get_service_by_name(name) {
        return Ok(service);
    }
    let mut short = pool.services().filter(|service| service.name() == name);
    if let (Some(service), None) = (short.next(), short.next()) {
        return Ok(service);
    }
    let names = pool.services().map(|service| service.full_name().to_owned());
    Err(wrong(&format!("it has no service `{}`{}", shown(name), list(names))))
}

fn shown(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(120).collect()
}

fn list(names: impl Iterator<Item = String>) -> String {
    const SHOWN: usize = 20;
    let names: Vec<String> = names.take(SHOWN).map(|name| format!("`{name}`")).collect();
    if names.is_empty() { String::new() } else { format!("; it has {}", names.join(", ")) }
}
