//! A thin layer over quick-xml's writer: [`Xml`]. Attributes are escaped by it and text by blerg-markup, and what XML 1.0
//! forbids has become U+FFFD; nothing here or above it puts markup together from strings.

use std::io;

use quick_xml::Writer;
use quick_xml::escape::escape;
use quick_xml::events::{BytesDecl, BytesEnd, BytesPI, BytesStart, Event};

use blerg_markup::{clean, escape_content};

/// What writing gives; writing into memory does not fail.
pub(crate) type Written = Result<(), io::Error>;

/// Attributes of an element.
pub(crate) type Attributes<'a> = &'a [(&'a str, &'a str)];

/// A document that grows.
pub(crate) struct Xml {
    writer: Writer<Vec<u8>>,
}

impl Xml {
    /// A document with its declaration, and with a style sheet if there is one.
    pub(crate) fn new(bytes: usize, style: Option<&str>) -> Result<Xml, io::Error> {
        let mut xml = Xml { writer: Writer::new(Vec::with_capacity(bytes)) };
        xml.writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        if let Some(style) = style {
            let content = format!("xml-stylesheet type=\"text/css\" href=\"{}\"", escape(style));
            xml.writer.write_event(Event::PI(BytesPI::new(content)))?;
        }
        Ok(xml)
    }

    /// A part of a document.
    pub(crate) fn part(bytes: usize) -> Xml {
        Xml { writer: Writer::new(Vec::with_capacity(bytes)) }
    }

    /// A part that another `Xml` has written.
    pub(crate) fn written(&mut self, part: &[u8]) {
        self.writer.get_mut().extend_from_slice(part);
    }

    /// `<name …>`
    pub(crate) fn open(&mut self, name: &str, attributes: Attributes<'_>) -> Written {
        self.writer.write_event(Event::Start(element(name, attributes)))
    }

    /// `</name>`
    pub(crate) fn close(&mut self, name: &str) -> Written {
        self.writer.write_event(Event::End(BytesEnd::new(name)))
    }

    /// `<name …/>`
    pub(crate) fn empty(&mut self, name: &str, attributes: Attributes<'_>) -> Written {
        self.writer.write_event(Event::Empty(element(name, attributes)))
    }

    /// `<name …>text</name>`
    pub(crate) fn text(&mut self, name: &str, attributes: Attributes<'_>, text: &str) -> Written {
        self.open(name, attributes)?;
        self.characters(text)?;
        self.close(name)
    }

    /// Text inside an element. Quotes may stay as they are there; `>` is escaped because of `]]>`.
    pub(crate) fn characters(&mut self, text: &str) -> Written {
        // What the writer itself does with text, in one pass and without a copy: this is most of what a feed is.
        escape_content(text, self.writer.get_mut());
        Ok(())
    }

    /// The document.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.writer.into_inner()
    }
}

fn element<'a>(name: &'a str, attributes: Attributes<'a>) -> BytesStart<'a> {
    BytesStart::new(name).with_attributes(attributes.iter().map(|(name, value)| (*name, clean(value))))
}

#[cfg(test)]
mod tests;
