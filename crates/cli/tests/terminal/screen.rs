//! What a terminal shows of what is written to it: of all that one may be told to do, what the
//! program tells it. Lines that are too long for the screen go on in the next, also when it is made
//! narrower later.

/// A screen with what has scrolled off it.
#[derive(Debug)]
pub struct Screen {
    columns: usize,
    rows: usize,
    lines: Vec<Vec<char>>,
    /// The most rows that were ever on the screen since it was last cleared.
    code: Option<String>,
}

impl Screen {
    pub fn new(columns: usize, rows: usize) -> Self {
        Self {
            columns,
            rows,
            lines: vec![Vec::new()],
            code: None,
        }
    }

    pub fn resize(&mut self, columns: usize, rows: usize) {
        (self.columns, self.rows) = (columns, rows);
    }

    /// All lines, with those that have scrolled off.
    pub fn text(&self) -> String {
        let lines = self
            .lines
            .iter()
            .map(|line| line.iter().collect::<String>());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The longest line.
    pub fn longest(&self) -> usize {
        self.lines.iter().map(Vec::len).max().unwrap_or_default()
    }

    /// How many rows all lines take, that of the cursor included.
    pub fn height(&self) -> usize {
        self.lines.iter().map(|line| self.height_of(line)).sum()
    }

    fn height_of(&self, line: &[char]) -> usize {
        line.len().div_ceil(self.columns).max(1)
    }

    /// Takes up what is written.
    pub fn take(&mut self, text: &str) {
        for letter in text.chars() {
            if let Some(code) = &mut self.code {
                code.push(letter);
                if letter.is_ascii_alphabetic() {
                    let code = self.code.take().unwrap_or_default();
                    self.obey(&code);
                }
                continue;
            }
            match letter {
                '\x1b' => self.code = Some(String::new()),
                '\n' => self.lines.push(Vec::new()),
                // The program goes there before it clears, and at the end of a line.
                '\r' => {}
                letter => self.lines.last_mut().expect("there is a line").push(letter),
            }
        }
    }

    fn obey(&mut self, code: &str) {
        let inner = code.strip_prefix('[').expect("a sequence of this kind");
        let (number, what) = inner.split_at(inner.len() - 1);
        match what {
            "m" => {}
            "A" => self.up(number.parse().expect("a number")),
            // What is below the cursor went when it rose.
            "J" if number.is_empty() => {}
            "J" | "H" => self.lines = vec![Vec::new()],
            _ => panic!("the program says {code:?}"),
        }
    }

    /// Goes up by rows, which are then cleared. What has scrolled off is out of reach.
    fn up(&mut self, rows: usize) {
        let reach = self.height().min(self.rows) - 1;
        let mut left = rows.min(reach);
        self.lines.pop();
        while left > 0 {
            let line = self.lines.pop().expect("there are so many rows");
            let height = self.height_of(&line);
            if height > left {
                // The cursor stands in the midst of a line.
                let kept = (height - left) * self.columns;
                self.lines.push(line[..kept].to_vec());
                left = 0;
            } else {
                left -= height;
            }
        }
        self.lines.push(Vec::new());
    }
}
