//! Pieces of HTML. What comes out of files is escaped here by `text`.

pub(super) use super::super::markup::text;

/// A paragraph of a text.
pub(super) fn paragraph(words: &str) -> String {
    format!("<p>{}</p>\n", text(words))
}

/// A titled part of the page. The content is HTML.
pub(super) fn section(title: &str, content: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{content}</section>\n", text(title))
}

/// A table of texts; its first column is left-aligned.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let escaped = |row: &Vec<String>| row.iter().map(|cell| text(cell)).collect();
    built(header, &rows.iter().map(escaped).collect::<Vec<_>>(), |_| String::new())
}

/// The same with cells that are HTML, each of which knows its column's name for a page that is too narrow for columns.
pub(super) fn table_with_names(header: &[&str], rows: &[Vec<String>]) -> String {
    built(header, rows, |name| format!(" data-of=\"{}\"", text(name)))
}

fn built(header: &[&str], rows: &[Vec<String>], attribute: impl Fn(&str) -> String) -> String {
    let attributes: Vec<String> = header.iter().map(|name| attribute(name)).collect();
    let head: String = header.iter().map(|name| format!("<th>{}</th>", text(name))).collect();
    let row = |row: &Vec<String>| {
        let cell = |(cell, attribute): (&String, &String)| format!("<td{attribute}>{cell}</td>");
        format!("<tr>{}</tr>\n", row.iter().zip(&attributes).map(cell).collect::<String>())
    };
    let body: String = rows.iter().map(row).collect();
    format!("<div class=\"wide\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n")
}

/// Bytes in base 64 (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            let value = word >> (18 - 6 * digit) & 63;
            out.push(if digit > three.len() { '=' } else { char::from(DIGITS[value as usize]) });
        }
    }
    out
}

/// A picture within the page, out of the bytes of a PNG file.
pub(super) fn picture(png: &[u8], words: &str) -> String {
    format!("<img src=\"data:image/png;base64,{}\" alt=\"{}\">", base64(png), text(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_leave_their_place() {
        let wanted = "&lt;script&gt;&amp;&quot;&#39;\\u{1b}";
        assert_eq!(text("<script>&\"'\u{1b}"), wanted);
        assert_eq!(paragraph("a<b"), "<p>a&lt;b</p>\n");
        assert!(table(&["<a>"], &[vec!["<b>".into()]]).contains("<th>&lt;a&gt;</th>"));
    }

    /// The examples of RFC 4648, section 10.
    #[test]
    fn base_64_is_the_standard_one() {
        for (bytes, wanted) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), wanted);
        }
    }
}
