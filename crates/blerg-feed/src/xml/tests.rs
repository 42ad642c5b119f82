//! Escaping.

use super::Xml;

#[test]
fn text_and_attributes_are_escaped_and_cleaned() {
    let mut xml = Xml::new(64, Some("http://a/?x&y=\"")).expect("memory");
    xml.text("t", &[("a", "<\"'&>\u{FFFE}")], "<![CDATA[ ]]> & \u{0}\u{FFFF}\r\n\"").expect("memory");
    let text = String::from_utf8(xml.into_bytes()).expect("UTF-8");
    assert_eq!(
        text,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <?xml-stylesheet type=\"text/css\" href=\"http://a/?x&amp;y=&quot;\"?>\
         <t a=\"&lt;&quot;&apos;&amp;&gt;\u{FFFD}\">&lt;![CDATA[ ]]&gt; &amp; \u{FFFD}\u{FFFD}&#13;\n\"</t>"
    );
}
