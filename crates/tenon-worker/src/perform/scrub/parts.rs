//! The parts of a secret that a callee may say back alone: it knows a token without its scheme, an address without
//! its host, and a key line by line. Pure.

/// Of a longer secret, the lines of at least this length, bytes.
const LINE: usize = 16;
/// The schemes of `Authorization` that secrets are often kept with.
const SCHEMES: [&str; 5] = ["bearer ", "basic ", "token ", "apikey ", "digest "];

/// What is worth looking for besides the whole.
pub(super) fn of(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let scheme = SCHEMES
        .iter()
        .find(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    parts.extend(scheme.map(|scheme| &text[scheme.len()..]));
    parts.extend(address(text));
    if text.contains('\n') {
        parts.extend(text.lines().map(str::trim).filter(|line| line.len() >= LINE));
    }
    parts
}

/// Of an address: the login, the path with and without the query, and the query's values.
fn address(text: &str) -> Vec<&str> {
    let Some((_, rest)) = text.split_once("://") else { return Vec::new() };
    let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let login = authority.rsplit_once('@').map_or("", |(login, _)| login);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let values = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value);
    let password = login.split_once(':').map_or("", |(_, password)| password);
    // A short one would be found everywhere: `/api`.
    [login, password, target, path, last].into_iter().chain(values).filter(|part| part.len() >= 8).collect()
}
