use serde_json::{Value, json};
use tenon_expr::{Expr, Limits};
#[test]
fn timing() {
    let scope = crate::scope();
    let limits = Limits::default();
    let lines: Vec<_> = (0..10).map(|i| json!({"sku": format!("s{i}"), "price": i * 3, "qty": 1})).collect();
    let order = json!({"id": 1, "total": 1500, "customer": {"id": "c1"}, "lines": lines});
    let many: Vec<_> = (0..50_000).map(|i| json!({"sku": format!("sku-{i}"), "price": i % 50, "tags": ["a", "b"], "note": "some text that is longer"})).collect();
    let large = json!({"id": 1, "lines": many});
    println!("large is {} bytes", large.to_string().len());
    let run = |name: &str, source: &str, input: &Value, n: u32| {
        let t = std::time::Instant::now();
        for _ in 0..n {
            Expr::compile(source, &["steps"]).unwrap();
        }
        let c = t.elapsed() / n;
        let e = Expr::compile(source, &["steps"]).unwrap();
        let t = std::time::Instant::now();
        let mut ok = true;
        for _ in 0..n {
            ok &= e.evaluate(input, &scope, &limits).is_ok();
        }
        println!("{name}: compile {c:?}, evaluate {:?} ok={ok} path={}", t.elapsed() / n, e.is_path());
    };
    let t = std::time::Instant::now();
    Expr::compile(".a | map(.)", &[]).unwrap();
    println!("first compile {:?}", t.elapsed());
    run("path", ".customer.id", &order, 10000);
    run("$steps", "$steps.lookUp.id", &order, 10000);
    run("cmp", ".total > 1000", &order, 10000);
    run(
        "medium",
        "{id: .id, total: ([.lines[].price] | add), big: (.lines | map(select(.price > 10)) | length)}",
        &order,
        10000,
    );
    run("large path", ".id", &large, 10000);
    run(
        "large medium",
        "{id: .id, total: ([.lines[].price] | add), big: (.lines | map(select(.price > 10)) | length)}",
        &large,
        5,
    );
    run("large rewrite", ".lines |= map(.price += 1)", &large, 5);
    run("large tojson", "tojson | length", &large, 5);
}
