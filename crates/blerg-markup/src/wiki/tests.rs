//! Tests of pages.

use super::*;

struct Site;

impl Resolver for Site {
    fn page(&self, name: &str) -> Target {
        Target { href: format!("/wiki/{}", name.replace(' ', "_")), exists: name != "Nowhere" }
    }
    fn attachment(&self, file: &str) -> Target {
        Target { href: format!("?file={file}"), exists: file.ends_with(".png") && file != "no.png" }
    }
    fn tag(&self, name: &str) -> String {
        format!("/#tag/{name}")
    }
    fn mention(&self, name: &str) -> String {
        format!("/#{name}")
    }
}

#[test]
fn probe() {
    let text = "# A *title* é\n\nHello [[Some_page]], [[Nowhere|x *y*]] #tag @ada http://a.b/_x_ www.a.b. me@x.org `#c` \\#no &#35;no2\n\n\
    - [x] a\n- b [^1]\n\n|a|b|\n|:-:|-|\n|1|2|\n|[[x\\|y]]|\n\n[^1]: note\n\n<b>hi</b> <script>\n\n<div>\nx\n</div>\n\n![a](x.png) ![b](no.png) ![c](http://x.y/z.png)\n\n[x](javascript:alert(1)) [y](#A-Title) [z](Other) [f](f.png)\n\nA\n=\n";
    println!("{}", render(text, &Site).unwrap().html);
    println!("{:?}", sections(text));
    println!("{:?}", plain_text(text));
}
