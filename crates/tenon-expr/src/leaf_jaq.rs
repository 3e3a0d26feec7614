//! Functions that jaq implements and that are bounded as they are: mathematics, dates, encodings.
//!
//! Each is a little jaq program that is run on copies of its (scalar or flat) arguments. Its library of
//! mathematics is pure Rust, so that results are the same on every machine.

use crate::budget::{Budget, HEADER};
use crate::native::{Native, Tools};
use crate::ops::{Outcome, raise};
use crate::value::{Type, Val};
use jaq_core::data::JustLut;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars};
use jaq_json::{Num, Val as JaqVal};
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

type Program = Filter<JustLut<JaqVal>>;

/// Steps for one call: entering jaq costs more than one of our terms.
const CALL_STEPS: usize = 40;
/// Most bytes that one byte of a string (or of a date's format) may become.
const GROWTH: usize = 16;
/// Dates further away than this many seconds would overflow jaq's arithmetic; year 9999 is well within.
const FARTHEST_SECOND: f64 = 1e12;

const ARGUMENTS: [&str; 3] = ["$a", "$b", "$c"];

macro_rules! table {
    ($check:path: $($name:literal / $arity:literal),* $(,)?) => {
        [$(Native::leaf($name, $arity, |tools, value, args| {
            $check(tools, &value, args)?;
            call(($name, $arity), tools, &value, args)
        })),*]
    };
}

pub(crate) fn natives() -> Vec<Native> {
    let mathematics = table![numbers:
        "acos" / 0, "acosh" / 0, "asin" / 0, "asinh" / 0, "atan" / 0, "atanh" / 0, "cbrt" / 0,
        "cos" / 0, "cosh" / 0, "erf" / 0, "erfc" / 0, "exp" / 0, "exp10" / 0, "exp2" / 0,
        "expm1" / 0, "fabs" / 0, "frexp" / 0, "ilogb" / 0, "lgamma" / 0, "log" / 0, "log10" / 0,
        "log1p" / 0, "log2" / 0, "modf" / 0, "nearbyint" / 0, "rint" / 0, "sin" / 0, "sinh" / 0,
        "sqrt" / 0, "tan" / 0, "tanh" / 0, "tgamma" / 0, "trunc" / 0, "atan2" / 2, "copysign" / 2,
        "fdim" / 2, "fmax" / 2, "fmin" / 2, "fmod" / 2, "hypot" / 2, "ldexp" / 2, "nextafter" / 2,
        "pow" / 2, "remainder" / 2, "scalbln" / 2, "fma" / 3,
    ];
    let dates = table![date:
        "fromdateiso8601" / 0, "todateiso8601" / 0, "strftime" / 1, "gmtime" / 0, "strptime" / 1,
        "mktime" / 0,
    ];
    let encodings = table![string:
        "escape_html" / 0, "unescape_html" / 0, "encode_uri" / 0, "decode_uri" / 0,
        "encode_base64" / 0, "decode_base64" / 0,
    ];
    mathematics.into_iter().chain(dates).chain(encodings).collect()
}

// === what may be passed to jaq ===

fn numbers<'v>(_: &Tools, value: &Val<'v>, args: &[Val<'v>]) -> Outcome<'v, ()> {
    let used = if args.is_empty() { std::slice::from_ref(value) } else { args };
    match used.iter().find(|value| value.kind() != Type::Number) {
        Some(other) => raise(format!("a number is needed, not {}", other.kind().described())),
        None => Ok(()),
    }
}

fn string<'v>(_: &Tools, value: &Val<'v>, _: &[Val<'v>]) -> Outcome<'v, ()> {
    crate::leaf_text::text(value).map(drop)
}

fn date<'v>(_: &Tools, value: &Val<'v>, args: &[Val<'v>]) -> Outcome<'v, ()> {
    let far = |value: &Val| value.as_f64().is_some_and(|n| n.is_nan() || n.abs() >= FARTHEST_SECOND);
    if far(value) {
        return raise("the time is too far away");
    }
    if value.kind() == Type::Array {
        let part = |i| value.at(i).unwrap_or(Val::Null);
        let fits = |value: Val| value.as_f64().is_some_and(|n| n.abs() < 10_000.0);
        let month = |value: Val| value.as_f64().is_some_and(|n| (0.0..12.0).contains(&n));
        if value.len() > 8 || !(0..value.len()).all(|i| fits(part(i))) || !month(part(1)) {
            return raise(
                "the array is not a date: it needs [year, month (0-11), day, hour, minute, second]",
            );
        }
    }
    // time zone names would be looked up in files
    if args.iter().any(|arg| arg.as_str().is_some_and(|format| format.contains('Q'))) {
        return raise("time zone names (`%Q`) are not available: use offsets (`%z`)");
    }
    Ok(())
}

// === calling jaq ===

fn call<'v>(
    function: (&'static str, usize),
    tools: &Tools,
    value: &Val<'v>,
    args: &[Val<'v>],
) -> Outcome<'v> {
    tools.budget.steps(CALL_STEPS)?;
    let input = to_jaq(value, tools.budget)?;
    let mut variables = Vec::with_capacity(ARGUMENTS.len());
    for index in 0..ARGUMENTS.len() {
        let arg = args.get(index).map(|arg| to_jaq(arg, tools.budget));
        variables.push(arg.transpose()?.unwrap_or(JaqVal::Null));
    }
    let program = PROGRAMS[&function].get_or_init(|| compile(function));
    let context = Ctx::<JustLut<JaqVal>>::new(&program.lut, Vars::new(variables));
    match program.id.run((context, input)).next() {
        Some(Ok(result)) => from_jaq(&result, tools.budget),
        Some(Err(exception)) => {
            let error = exception.get_err().map(|error| error.to_string());
            let error = error.unwrap_or_default();
            raise(format!("`{}`: {}", function.0, error.chars().take(200).collect::<String>()))
        }
        None => raise(format!("`{}` gave no value", function.0)),
    }
}

/// Compiled when first called.
static PROGRAMS: LazyLock<HashMap<(&'static str, usize), OnceLock<Program>>> = LazyLock::new(|| {
    let natives = natives();
    let functions = natives.iter().map(|native| (native.name, native.arity));
    functions.map(|function| (function, OnceLock::new())).collect()
});

fn compile((name, arity): (&'static str, usize)) -> Program {
    let code = match &ARGUMENTS[..arity] {
        [] => name.to_owned(),
        args => format!("{name}({})", args.join("; ")),
    };
    let arena = Arena::default();
    let file = File { code: code.as_str(), path: () };
    let loader = Loader::new(std::iter::empty());
    let modules = loader.load(&arena, file);
    let modules = modules.unwrap_or_else(|_| panic!("`{code}` is tested to parse"));
    let compiler = Compiler::default().with_funs(jaq_std::funs()).with_global_vars(ARGUMENTS);
    let program = compiler.compile(modules);
    program.unwrap_or_else(|_| panic!("`{code}` is tested to be one of jaq's functions"))
}

fn to_jaq<'v>(value: &Val<'v>, budget: &Budget) -> Outcome<'v, JaqVal> {
    Ok(match value {
        Val::Null => JaqVal::Null,
        Val::Bool(bool) => JaqVal::Bool(*bool),
        Val::Int(int) => JaqVal::Num(Num::from_integral(*int)),
        Val::Big(big) => JaqVal::Num(Num::Float(*big as f64)),
        Val::Float(float) => JaqVal::Num(Num::Float(*float)),
        Val::Str(text) => {
            let length = text.as_str().len();
            budget.scan(length.saturating_mul(8))?;
            budget.allocate(HEADER + length.saturating_mul(2 + GROWTH))?;
            JaqVal::utf8_str(text.as_str().to_owned())
        }
        array if array.kind() == Type::Array && array.len() <= 8 => {
            let items = (0..array.len()).filter_map(|i| array.at(i));
            items.map(|item| to_jaq(&item, budget)).collect::<Result<_, _>>()?
        }
        other => return raise(format!("cannot use {} here", other.kind().described())),
    })
}

fn from_jaq<'v>(value: &JaqVal, budget: &Budget) -> Outcome<'v> {
    Ok(match value {
        JaqVal::Null => Val::Null,
        JaqVal::Bool(bool) => Val::Bool(*bool),
        JaqVal::Num(Num::Int(int)) => Val::Int(*int as i64),
        JaqVal::Num(Num::Float(float)) => Val::Float(*float),
        JaqVal::Num(number) => Val::Float(number.to_string().parse().unwrap_or(f64::NAN)),
        JaqVal::TStr(bytes) | JaqVal::BStr(bytes) => {
            budget.allocate(HEADER + bytes.len().saturating_mul(3))?;
            Val::string(String::from_utf8_lossy(bytes).into_owned())
        }
        JaqVal::Arr(items) => {
            budget.allocate_list(items.len())?;
            let items = items.iter().map(|item| from_jaq(item, budget));
            Val::list(items.collect::<Result<_, _>>()?)?
        }
        JaqVal::Obj(_) => return raise("an object was not expected here"),
    })
}

#[cfg(test)]
mod tests {
    /// A name that jaq does not have would panic when it is first called.
    #[test]
    fn all_are_jaqs() {
        for native in super::natives() {
            super::compile((native.name, native.arity));
        }
    }
}
