//! Every code of the HTTP interface, with what `tenon explain CODE` says about it.
//!
//! Codes are part of the interface: never give one another meaning, never use a number twice.

/// One kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `TN0002`.
    pub code: &'static str,
    /// The HTTP status it goes with.
    pub status: u16,
    /// Short, the same for all occurrences.
    pub title: &'static str,
    /// For `tenon explain`.
    pub explanation: &'static str,
    /// What to do, where the occurrence itself does not know better.
    pub hint: &'static str,
}

macro_rules! codes {
    ($($name:ident = $code:literal $status:literal $title:literal, $explanation:literal, $hint:literal;)*) => {
        $(
            #[doc = $title]
            pub static $name: Code =
                Code { code: $code, status: $status, title: $title, explanation: $explanation, hint: $hint };
        )*
        /// All of them, by number.
        pub static CODES: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    INTERNAL = "TN0001" 500 "internal error",
        "Something went wrong that is not the request's fault. The server's log says more, at the same moment.",
        "try again; if it stays, look into the server's log";
    MALFORMED_JSON = "TN0002" 400 "malformed JSON",
        "The request says that its body is JSON, but it is not: bad syntax, bad UTF-8, a number out of range, or nested more than 100 levels deep. Nothing was captured.",
        "check the body where the detail points to";
    CONTENT_TYPE = "TN0003" 415 "unsupported content type",
        "This address does not take bodies of this content type. Nothing was captured.",
        "send `Content-Type: application/json`";
    TOO_LARGE = "TN0004" 413 "too large",
        "The body, or the event that it becomes, is larger than the server accepts (1 MiB for events, 32 MiB for other bodies by default). Nothing was captured.",
        "send less: put large content into storage and send its address";
    NO_SUCH_PATH = "TN0005" 404 "not found",
        "Nothing is at this address. A webhook's path is case sensitive and exact; its trigger may be disabled or not applied in this workspace.",
        "check the address; `tenon trigger list` shows the webhooks there are";
    METHOD = "TN0006" 405 "method not allowed",
        "The address exists but does not take this method; the `Allow` header lists those it takes. Nothing was captured.",
        "use a method from the `Allow` header";
    KEY_MISSING = "TN0007" 401 "no key",
        "The request needs a key: `Authorization: Bearer tn_…`. Keys are never taken from query strings. Nothing was captured.",
        "send `Authorization: Bearer <key>`; on the server's machine the owner key is in DATA/owner.key";
    KEY_WRONG = "TN0008" 401 "wrong key",
        "The key that was sent is not one of this server's.",
        "check which server the key was made for";
    KEY_NOT_FROM_HERE = "TN0009" 403 "the key does not work from here",
        "The owner key works only from the machine that the server runs on, and not through a proxy.",
        "use it on the server's machine, through a loopback address";
    SCHEMA = "TN0010" 422 "the body breaks the schema",
        "The trigger has a schema and the body does not fit it; `violations` lists where, as JSON Pointers. Nothing was captured.",
        "mend the places listed in `violations`";
    TRIGGER_EXPRESSION = "TN0011" 422 "an expression of the trigger failed",
        "An expression in the trigger's `emits` or `dedupKey` gave no usable value for this request. Nothing was captured.",
        "send what the expression reads, or mend the trigger";
    CLOUD_EVENT = "TN0012" 400 "not a CloudEvent",
        "The request is not a CloudEvent 1.0 in binary, structured or batch mode. Nothing was captured.",
        "an event has specversion 1.0, id, source and type";
    HOPS = "TN0013" 422 "too many hops",
        "The event was emitted by a job that an emitted event started, and so on for more than 32 times (`tenonhops`). Workflows probably trigger each other in a circle.",
        "make one of the workflows in the circle stop, e.g. by a condition before its `emit`";
    WORKFLOW_NOT_FOUND = "TN0014" 404 "workflow not found",
        "There is no workflow of this namespace and name in this workspace.",
        "`tenon workflow list` shows those there are";
    WORKFLOW_DISABLED = "TN0015" 409 "workflow disabled",
        "The workflow exists but is turned off, so it starts no jobs.",
        "`tenon workflow enable <namespace>/<name>`";
    DISK_FULL = "TN0016" 507 "disk full",
        "The disk that holds the data is full. Nothing of this request was kept; what was accepted earlier is safe. The server goes on by itself when there is room.",
        "make room on the server's disk, then send it again";
    UNAVAILABLE = "TN0017" 503 "starting or stopping",
        "The server is starting, draining before it stops, or its store is closed. Nothing of this request was kept.",
        "try again after the seconds in `Retry-After`";
    TOO_MANY_WAITING = "TN0018" 429 "too many callers wait",
        "More callers wait for a job's output than the server allows. Nothing was captured.",
        "try again after the seconds in `Retry-After`, or do not wait for the output";
    NOT_RUNNABLE = "TN0019" 500 "a stored document cannot be run",
        "A workflow or trigger that is deployed cannot be run by this version of Tenon. The server's log names it and says why.",
        "apply the document again with this version; it says what is wrong";
    NOT_FOUND = "TN0020" 404 "not found",
        "The thing does not exist in this workspace.",
        "check the name or id, and the workspace";
    CONFLICT = "TN0021" 409 "conflict",
        "The thing has changed meanwhile, or already is in a state that does not allow this.",
        "read it again, then decide";
    BAD_REQUEST = "TN0022" 400 "malformed request",
        "A parameter, header or body of the request does not have the form that is needed.",
        "see the detail";
    WORKSPACE_NOT_FOUND = "TN0023" 404 "workspace not found",
        "There is no workspace of this name.",
        "the first start creates the workspace `default`";
    DOCUMENT_REFUSED = "TN0024" 422 "the document was refused",
        "The document has errors, listed in `diagnostics` with place and hint. What was deployed before keeps running.",
        "mend the places listed in `diagnostics`";
    JOB_FAULTED = "TN0025" 500 "the job faulted",
        "The workflow that was to answer this request ended with an error, which is shown. The event is captured and its job can be looked at and run again.",
        "`tenon job trace <id>` shows what happened";
    JOB_CANCELLED = "TN0026" 409 "the job was cancelled",
        "The job that was to answer this request was cancelled before it had an output.",
        "start it again";
    RESPOND = "TN0027" 500 "the workflow's response failed",
        "The job completed, but `document.metadata.tenon.respond` of its workflow gave no usable status, headers or body.",
        "mend `respond`: status is a whole number from 200 to 599, headers are an object of text";
    BODY_BROKEN = "TN0028" 400 "the body did not arrive",
        "The connection failed, or was too slow, before the whole body had arrived. Nothing was captured.",
        "send it again";
    NOT_IN_THIS_VERSION = "TN0029" 422 "not in this version",
        "The request is a valid one, but this version of Tenon does not do this yet. It is refused rather than ignored.",
        "see the detail for what is possible";
    PAYLOAD_GONE = "TN0030" 409 "the payload is not kept any more",
        "Retention has removed the event that the job ran on, so the job cannot be run again.",
        "give the input anew by starting the workflow";
    BUSY = "TN0031" 503 "too many changes at once",
        "The workspace's workflows changed again and again while the request was being captured. Nothing of it was kept.",
        "try again after the seconds in `Retry-After`";
    TOO_MUCH_AT_ONCE = "TN0032" 429 "too many large bodies at once",
        "The large bodies that are arriving and being worked on fill the memory that the server gives them. Nothing of this request was kept.",
        "try again after the seconds in `Retry-After`";
    BACKLOG = "TN0039" 429 "too much is left to do",
        "The workspace has more work that waits for its turn than it may: more jobs, more bytes of events, or older ones. Nothing of this request was kept. Other workspaces are not slowed; what this one accepted earlier is worked off.",
        "send it again after the seconds in `Retry-After`; `tenon limits` shows what is behind";
    VARIABLE_NOT_FOUND = "TN0040" 404 "variable not found",
        "There is no variable of this name in this workspace.",
        "`tenon variable list` shows those there are";
    VARIABLE_REFUSED = "TN0041" 422 "not a usable variable",
        "A variable has a name of at most 128 letters, digits, `-`, `_` and `.`, a kind (`config` or `secret`), and a value of at most 64 KiB of JSON. Nothing was changed.",
        "send `{\"kind\": \"config\", \"value\": …}`";
    VARIABLE_KIND = "TN0042" 409 "the variable is of another kind",
        "A variable keeps its kind, so that nobody can read a secret by making it configuration. Nothing was changed.",
        "delete the variable and set it anew, or choose another name";
    TOO_MANY_VARIABLES = "TN0043" 409 "too many variables",
        "A workspace has at most 10,000 variables. Nothing was changed.",
        "delete some: `tenon variable list` shows them; one variable may hold a whole object";
    MASTER_KEY_REFUSED = "TN0044" 422 "not a usable file for a master key",
        "The new master key is made, or found, in a file on the server's machine: an absolute path, outside of the data directory, closed to others (mode 0600). An existing file must hold a master key; nothing is ever overwritten. The keys are as they were.",
        "name a file that does not exist yet, in a directory that this server's user can write to";
    SIGNATURE = "TN0060" 401 "wrong signature",
        "The webhook takes only requests that its sender has signed, and this one's signature is missing, cannot be read, or is not one of this body by any of the secrets. Nothing was captured.",
        "check the secret on both sides, and that nothing between sender and server changes the body";
    STALE = "TN0061" 401 "signed too long ago",
        "The signature is right, but its timestamp is further from now than the webhook's `tolerance` (5 minutes by default), so the request may be a recording. Nothing was captured.",
        "send it again with a new signature; check the clocks on both sides";
    CREDENTIALS = "TN0062" 401 "wrong credentials",
        "The webhook needs a user with a password, or a token, and the request has none or wrong ones. Nothing was captured.",
        "send the credentials that the webhook's owner gave you";
    SECRET = "TN0063" 503 "a secret of the webhook is missing",
        "The webhook checks who calls by a secret variable that is not set, is not text, or is no key of its signature scheme. Nobody is let in without it. Nothing was captured; senders try again.",
        "the webhook's operator sets it: `tenon variable set NAME --secret`; the server's log has the name";
    RATE_LIMIT = "TN0064" 429 "too many requests for this trigger",
        "The trigger's `rateLimit` is used up on this node: of a webhook it counts requests, of a poller its calls, also those that `fire` asks for. Nothing was captured.",
        "try again after the seconds in `Retry-After`";
    XML = "TN0065" 400 "malformed XML",
        "The request says that its body is XML, but it is not well-formed UTF-8, or it has what is never taken: a document type, entities of its own, more than 48 levels, 50,000 elements or 256 attributes of one element. Nothing was captured.",
        "check the body where the detail points to";
    FORM = "TN0066" 413 "too many fields",
        "A form or query string has more than 1,000 fields. Nothing was captured.",
        "send fewer fields, or JSON";
    ENCODING = "TN0067" 415 "content encoding",
        "The body is packed in a way that is not taken (gzip and deflate are), or is not what `Content-Encoding` says (400). Nothing was captured.",
        "send it with gzip, or plain";
    CHALLENGE = "TN0068" 403 "wrong verify token",
        "A handshake came with another verify token than the webhook's secret.",
        "enter the same token on both sides";
}
