//! Where nodes live: a list that grows without being moved, and without room for many more.

use std::ops::{Index, IndexMut};

/// How many stand together. The first of these parts grows as a list does, since most runs are
/// small; the others have their size from the start.
const PART: usize = 1024;

/// A list whose elements stay where they are.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    parts: Vec<Vec<T>>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self { parts: Vec::new() }
    }
}

impl<T> Arena<T> {
    pub fn len(&self) -> usize {
        match self.parts.split_last() {
            None => 0,
            Some((last, before)) => before.len() * PART + last.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub fn push(&mut self, value: T) {
        match self.parts.last_mut() {
            Some(part) if part.len() < PART => part.push(value),
            Some(_) => {
                let mut part = Vec::with_capacity(PART);
                part.push(value);
                self.parts.push(part);
            }
            None => self.parts.push(vec![value]),
        }
    }

    /// Takes the last one out again.
    pub fn pop(&mut self) -> Option<T> {
        let part = self.parts.last_mut()?;
        let value = part.pop();
        if part.is_empty() {
            self.parts.pop();
        }
        value
    }

    pub fn get(&self, place: usize) -> Option<&T> {
        self.parts.get(place / PART)?.get(place % PART)
    }

    pub fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.parts.get_mut(place / PART)?.get_mut(place % PART)
    }

    pub fn first(&self) -> Option<&T> {
        self.get(0)
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.parts.iter().flatten()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.parts.iter_mut().flatten()
    }

    pub fn clear(&mut self) {
        self.parts.clear();
    }
}

impl<T> Index<usize> for Arena<T> {
    type Output = T;

    fn index(&self, place: usize) -> &T {
        &self.parts[place / PART][place % PART]
    }
}

impl<T> IndexMut<usize> for Arena<T> {
    fn index_mut(&mut self, place: usize) -> &mut T {
        &mut self.parts[place / PART][place % PART]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_list_that_was_pushed() {
        for count in [0, 1, PART - 1, PART, PART + 1, 3 * PART] {
            let mut arena = Arena::default();
            for number in 0..count {
                arena.push(number);
            }
            assert_eq!(arena.len(), count);
            assert_eq!(arena.is_empty(), count == 0);
            assert!(arena.iter().copied().eq(0..count));
            assert_eq!(arena.first().copied(), (count > 0).then_some(0));
            assert_eq!(arena.get(count), None);
            for number in 0..count {
                assert_eq!(arena[number], number);
                arena[number] += 1;
            }
            assert!(arena.iter_mut().map(|number| *number).eq(1..=count));
            let popped: Vec<usize> = std::iter::from_fn(|| arena.pop()).collect();
            assert!(popped.into_iter().eq((1..=count).rev()));
            assert!(arena.is_empty());
        }
    }
}
