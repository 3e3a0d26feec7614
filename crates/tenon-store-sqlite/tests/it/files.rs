//! Files of revisions: each content is stored once, and goes with the last revision that has it.

use tenon_store::{PinnedFile, RevisionId, Saved, Store as _};

use crate::harness::{Shop, options};

async fn put(shop: &Shop, digest: &str, contents: &[&str]) -> RevisionId {
    let file = |content: &&str| PinnedFile {
        uri: format!("https://a.example/{content:.9}"),
        content: Ok((*content).to_owned()),
    };
    let mut put = shop.listener(&[]);
    digest.clone_into(&mut put.digest);
    put.files = contents.iter().map(file).collect();
    put.files.push(PinnedFile { uri: "gone".to_owned(), content: Err("answered 404".to_owned()) });
    match shop.store.put_resource(put).await.unwrap() {
        Saved::Written(revision) => revision.id,
        Saved::Unchanged(revision) => panic!("{revision:?} is unchanged"),
    }
}

#[tokio::test]
async fn a_content_is_stored_once_and_goes_with_its_last_revision() {
    let root = tempfile::tempdir().unwrap();
    let shop = Shop::open(options(root.path())).await;
    let large = "x".repeat(200_000);
    let first = put(&shop, "1", &[&large, "only here", &large]).await;
    let second = put(&shop, "2", &[&large, "shared"]).await;
    let third = put(&shop, "3", &["shared"]).await;
    shop.store.close().await;

    let connection = rusqlite::Connection::open(root.path().join("tenon.db")).unwrap();
    // A connection of another program: foreign keys, triggers of triggers and the like at their defaults.
    let contents = || {
        let mut statement = connection.prepare("SELECT substr(content, 1, 9) FROM file ORDER BY id").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<Vec<String>, _>>().unwrap()
    };
    let links = || -> i64 {
        connection.query_row("SELECT count(*) FROM revision_file", [], |row| row.get(0)).unwrap()
    };
    assert_eq!((contents(), links()), (vec!["xxxxxxxxx".into(), "only here".into(), "shared".into()], 9));
    let expected: [(RevisionId, &[&str], i64); 3] =
        [(first, &["xxxxxxxxx", "shared"], 5), (second, &["shared"], 2), (third, &[], 0)];
    for (revision, left, links_left) in expected {
        connection.execute("DELETE FROM revision WHERE id = ?1", [revision.0]).unwrap();
        assert_eq!((contents(), links()), (left.iter().map(|text| (*text).to_owned()).collect(), links_left));
    }
}
