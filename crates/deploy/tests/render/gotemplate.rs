//! The part of Go's text/template that the chart uses, and nothing more: an unknown word fails the test.

use serde_json::Value;

/// Renders a template with `.Values` and `.Release`.
pub(crate) fn render(template: &str, root: &Value) -> Result<String, String> {
    let tokens = tokens(template)?;
    let mut out = String::new();
    let mut at = 0;
    block(&tokens, &mut at, root, root, true, &mut out)?;
    if at < tokens.len() { Err("an `end` too many".to_owned()) } else { Ok(out) }
}

#[derive(Debug)]
enum Token {
    Text(String),
    Action(String),
}

fn tokens(template: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = template;
    let mut trim = false;
    while let Some(start) = rest.find("{{") {
        let mut text = if trim { rest[..start].trim_start() } else { &rest[..start] };
        let action = &rest[start + 2..];
        let end = closing(action).ok_or("an action without an end")?;
        let (mut inside, after) = (&action[..end], &action[end + 2..]);
        if let Some(stripped) = inside.strip_prefix("- ") {
            inside = stripped;
            text = text.trim_end();
        }
        trim = inside.ends_with(" -");
        inside = inside.trim_end_matches(" -");
        tokens.push(Token::Text(text.to_owned()));
        tokens.push(Token::Action(inside.trim().to_owned()));
        rest = after;
    }
    tokens.push(Token::Text(if trim { rest.trim_start() } else { rest }.to_owned()));
    Ok(tokens)
}

/// Where `}}` is, outside of quotes.
fn closing(text: &str) -> Option<usize> {
    let mut quoted = false;
    let bytes = text.as_bytes();
    (0..bytes.len()).find(|i| {
        quoted ^= bytes[*i] == b'"';
        !quoted && bytes[*i..].starts_with(b"}}")
    })
}

fn block(
    tokens: &[Token],
    at: &mut usize,
    root: &Value,
    dot: &Value,
    live: bool,
    out: &mut String,
) -> Result<(), String> {
    while *at < tokens.len() {
        match &tokens[*at] {
            Token::Text(text) => {
                if live {
                    out.push_str(text);
                }
            }
            Token::Action(action) if action == "end" => return Ok(()),
            Token::Action(action) => {
                let (word, rest) = action.split_once(' ').unwrap_or((action, ""));
                if word == "with" || word == "if" {
                    let value = pipeline(rest, root, dot)?;
                    *at += 1;
                    let inner = if word == "with" { value.clone() } else { dot.clone() };
                    block(tokens, at, root, &inner, live && is_true(&value), out)?;
                    if *at >= tokens.len() {
                        return Err(format!("`{action}` has no end"));
                    }
                } else if live {
                    out.push_str(&print(&pipeline(action, root, dot)?));
                }
            }
        }
        *at += 1;
    }
    Ok(())
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(s) => !s.is_empty(),
        Value::Array(a) => !a.is_empty(),
        Value::Object(o) => !o.is_empty(),
    }
}

fn print(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn pipeline(text: &str, root: &Value, dot: &Value) -> Result<Value, String> {
    let mut last = None;
    for command in split(text, '|') {
        let mut words = split(&command, ' ').into_iter();
        let first = words.next().ok_or("an empty command")?;
        let mut values: Vec<Value> = Vec::new();
        for word in words {
            values.push(operand(&word, root, dot)?);
        }
        values.extend(last.take());
        last = Some(call(&first, &values, root, dot)?);
    }
    last.ok_or_else(|| "an empty action".to_owned())
}

/// Parts between separators, outside of quotes and parentheses.
fn split(text: &str, separator: char) -> Vec<String> {
    let (mut parts, mut depth, mut quoted) = (vec![String::new()], 0, false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if c == separator && depth == 0 && !quoted {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(c);
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn operand(word: &str, root: &Value, dot: &Value) -> Result<Value, String> {
    if let Some(inner) = word.strip_prefix('(').and_then(|w| w.strip_suffix(')')) {
        return pipeline(inner, root, dot);
    }
    if word.starts_with('"') {
        return serde_json::from_str(word).map_err(|error| format!("{word}: {error}"));
    }
    if word == "." {
        return Ok(dot.clone());
    }
    if let Some(path) = word.strip_prefix('.') {
        let mut value = root;
        for part in path.split('.') {
            value = value.get(part).ok_or_else(|| format!("{word} is not among the values"))?;
        }
        return Ok(value.clone());
    }
    word.parse::<i64>().map(Value::from).map_err(|_| format!("{word} is unknown"))
}

fn call(name: &str, values: &[Value], root: &Value, dot: &Value) -> Result<Value, String> {
    let text = |index: usize| values.get(index).map(print).ok_or_else(|| format!("{name} lacks an argument"));
    Ok(match name {
        "quote" => Value::from(serde_json::to_string(&text(0)?).unwrap()),
        "int" => values[0].clone(),
        "ne" => Value::from(values[0] != values[1]),
        "fail" => return Err(text(0)?),
        "index" => {
            let mut value = &values[0];
            for key in &values[1..] {
                value = value.get(key.as_str().unwrap()).ok_or_else(|| format!("there is no value {key}"))?;
            }
            value.clone()
        }
        "toJson" => Value::from(values[0].to_string()),
        // JSON on one line is YAML too
        "toYaml" => Value::from(values[0].to_string()),
        "nindent" => {
            let pad = " ".repeat(usize::try_from(values[0].as_u64().unwrap()).unwrap());
            Value::from(text(1)?.lines().fold(String::new(), |out, line| format!("{out}\n{pad}{line}")))
        }
        "sha256sum" => {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text(0)?.as_bytes());
            Value::from(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
        "trunc" => Value::from(
            text(1)?.chars().take(usize::try_from(values[0].as_u64().unwrap()).unwrap()).collect::<String>(),
        ),
        other if values.is_empty() => operand(other, root, dot)?,
        other => return Err(format!("the function {other} is unknown")),
    })
}

#[test]
fn the_subset_does_what_go_does() {
    let root = serde_json::json!({"Values": {"a": {"b-c": 3}, "list": [], "s": "x"}});
    let render = |template: &str| render(template, &root);
    assert_eq!(render("{{ (index .Values.a \"b-c\") | int }}{{ \"{{\" }}").unwrap(), "3{{");
    assert_eq!(render("a\n  {{- with .Values.list }}\nx: {{ . }}\n{{- end }}\nb").unwrap(), "a\nb");
    assert_eq!(render("k:\n  {{- toYaml .Values.a | nindent 2 }}").unwrap(), "k:\n  {\"b-c\":3}");
    assert_eq!(render("{{ if ne .Values.s \"x\" }}no{{ end }}!").unwrap(), "!");
    assert!(
        render("{{ .Values.none }}").is_err()
            && render("{{ lookup 1 }}").is_err()
            && render("{{ if .Values.s }}").is_err()
    );
}
