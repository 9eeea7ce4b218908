//! Stacks as people read them: the crash first, their own frames open, runs of library frames folded.

use error_sentinel_wire::{Event, Exception, Frame, Stacktrace, codec};

/// Local variables shown of a frame.
const VARS: usize = 50;
/// Longest value of a variable in characters.
const VAR_CHARS: usize = 500;

/// One exception of a chain.
pub struct Chain {
    /// Its type.
    pub kind: String,
    /// Its message.
    pub value: String,
    /// Whether nobody caught it.
    pub is_unhandled: bool,
    /// How it was caught.
    pub mechanism: String,
    /// Where it was thrown.
    pub stack: Option<StackView>,
}

/// A stack.
pub struct StackView {
    /// Runs of frames, the crash first.
    pub runs: Vec<Run>,
}

/// Frames that are shown or folded together.
pub struct Run {
    /// Whether they are of libraries, and folded.
    pub is_folded: bool,
    /// The frames.
    pub frames: Vec<FrameView>,
}

/// One frame.
pub struct FrameView {
    /// Function, with its module where that says more.
    pub function: String,
    /// File, line and column.
    pub place: String,
    /// How often it comes in a row: a function that calls itself is shown once.
    pub repeat_count: usize,
    /// Whether the application's own.
    pub is_own: bool,
    /// Whether the source or the variables open at once: the first own frame of a stack.
    pub is_open: bool,
    /// Lines of source: number, text, whether it is the one.
    pub source: Vec<(u64, String, bool)>,
    /// Local variables.
    pub vars: Vec<(String, String)>,
}

impl FrameView {
    /// Whether there is more than one line to show.
    pub fn has_more(&self) -> bool {
        !self.source.is_empty() || !self.vars.is_empty()
    }
}

impl Chain {
    /// The exceptions of an event, the one that surfaced first, or its bare stack.
    pub fn of(event: &Event) -> Vec<Chain> {
        let mut chains: Vec<Chain> = event.exceptions.iter().rev().map(Chain::new).collect();
        if let (true, Some(stack)) = (chains.is_empty(), &event.stacktrace) {
            chains.push(Chain {
                kind: "Stack".into(),
                value: String::new(),
                is_unhandled: false,
                mechanism: String::new(),
                stack: Some(StackView::new(stack)),
            });
        }
        chains
    }

    fn new(exception: &Exception) -> Chain {
        let mechanism = exception.mechanism.as_ref();
        Chain {
            kind: exception.kind.clone().unwrap_or_default(),
            value: exception.value.clone().unwrap_or_default(),
            is_unhandled: mechanism.is_some_and(|mechanism| mechanism.handled == Some(false)),
            mechanism: mechanism.map(|mechanism| mechanism.kind.clone()).unwrap_or_default(),
            stack: exception.stacktrace.as_ref().map(StackView::new),
        }
    }
}

/// Threads that have a stack of their own.
pub fn threads(event: &Event) -> Vec<(String, StackView)> {
    let named = event.threads.iter().filter_map(|thread| {
        let stack = thread.stacktrace.as_ref()?;
        let name = thread.name.clone().or_else(|| thread.id.clone()).unwrap_or_else(|| "unnamed".into());
        let name = if thread.crashed == Some(true) { format!("{name} (crashed)") } else { name };
        Some((name, StackView::new(stack)))
    });
    named.take(50).collect()
}

impl StackView {
    /// Turns the frames round and folds those of libraries, unless there are no others.
    fn new(stack: &Stacktrace) -> StackView {
        let has_own = stack.frames.iter().any(|frame| frame.in_app == Some(true));
        let mut runs: Vec<Run> = Vec::new();
        let mut was_opened = false;
        let mut last: Option<&Frame> = None;
        for (at, frame) in stack.frames.iter().rev().enumerate() {
            let repeated = runs.last_mut().and_then(|run| run.frames.last_mut());
            if let Some(view) = repeated.filter(|_| last.is_some_and(|last| is_same_place(last, frame))) {
                view.repeat_count += 1;
                continue;
            }
            last = Some(frame);
            let mut view = FrameView::new(frame);
            let is_folded = has_own && !view.is_own && at > 0;
            if !was_opened && (view.is_own || !has_own) && view.has_more() {
                view.is_open = true;
                was_opened = true;
            }
            match runs.last_mut() {
                Some(run) if run.is_folded == is_folded => run.frames.push(view),
                _ => runs.push(Run { is_folded, frames: vec![view] }),
            }
        }
        StackView { runs }
    }
}

impl FrameView {
    fn new(frame: &Frame) -> FrameView {
        let function = match (&frame.function, &frame.module) {
            (Some(function), Some(module)) if !function.contains(module.as_str()) => {
                format!("{module} · {function}")
            }
            (Some(function), _) => function.clone(),
            (None, Some(module)) => module.clone(),
            (None, None) => frame.instruction_addr.clone().unwrap_or_else(|| "<unknown>".into()),
        };
        let file = frame.filename.as_ref().or(frame.abs_path.as_ref()).or(frame.package.as_ref());
        let mut place = file.cloned().unwrap_or_default();
        for number in [frame.lineno, frame.colno].into_iter().flatten() {
            place.push_str(&format!(":{number}"));
        }
        let line = frame.lineno.unwrap_or(0);
        let mut source = Vec::new();
        if let Some(context_line) = &frame.context_line {
            let first = line.saturating_sub(frame.pre_context.len() as u64);
            source.extend((first..).zip(&frame.pre_context).map(|(n, text)| (n, text.clone(), false)));
            source.push((line, context_line.clone(), true));
            source.extend((line + 1..).zip(&frame.post_context).map(|(n, text)| (n, text.clone(), false)));
        }
        let vars = frame.vars.0.iter().take(VARS).map(|(name, value)| {
            let text = value.as_str().map_or_else(|| codec::to_json(value), str::to_owned);
            (name.clone(), text.chars().take(VAR_CHARS).collect())
        });
        FrameView {
            function,
            place,
            repeat_count: 1,
            is_own: frame.in_app == Some(true),
            is_open: false,
            source,
            vars: vars.collect(),
        }
    }
}

/// Whether two frames differ in nothing but their variables and addresses.
fn is_same_place(one: &Frame, other: &Frame) -> bool {
    fn names(frame: &Frame) -> [&Option<String>; 5] {
        [&frame.function, &frame.module, &frame.filename, &frame.abs_path, &frame.package]
    }
    let numbers = |frame: &Frame| (frame.lineno, frame.colno, frame.in_app);
    one.function.is_some() && names(one) == names(other) && numbers(one) == numbers(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, in_app: bool) -> Frame {
        Frame {
            function: Some(function.into()),
            in_app: Some(in_app),
            lineno: Some(7),
            context_line: Some("x()".into()),
            pre_context: vec!["a".into(), "b".into()],
            post_context: vec!["c".into()],
            ..Frame::default()
        }
    }

    fn shape(stack: &StackView) -> Vec<(bool, Vec<&str>)> {
        let frames = |run: &Run| run.frames.iter().map(|frame| frame.function.clone()).collect::<Vec<_>>();
        stack
            .runs
            .iter()
            .map(|run| (run.is_folded, frames(run).iter().map(|name| name.clone().leak() as &str).collect()))
            .collect()
    }

    #[test]
    fn the_crash_comes_first_and_runs_of_library_frames_are_folded() {
        let frames = vec![
            frame("main", true),
            frame("lib1", false),
            frame("lib2", false),
            frame("handler", true),
            frame("throw", false),
        ];
        let stack = StackView::new(&Stacktrace { frames, ..Stacktrace::default() });
        assert_eq!(
            shape(&stack),
            [(false, vec!["throw", "handler"]), (true, vec!["lib2", "lib1"]), (false, vec!["main"]),]
        );
        assert!(stack.runs[0].frames[1].is_open && !stack.runs[0].frames[0].is_open);
    }

    #[test]
    fn a_stack_of_libraries_only_is_not_folded_away() {
        let stack = StackView::new(&Stacktrace {
            frames: vec![frame("a", false), frame("b", false)],
            ..Stacktrace::default()
        });
        assert_eq!(shape(&stack), [(false, vec!["b", "a"])]);
    }

    #[test]
    fn a_function_that_calls_itself_is_shown_once_with_its_count() {
        let mut deep = vec![frame("main", true)];
        deep.extend((0..40).map(|_| frame("walk", true)));
        deep.push(frame("leaf", true));
        let stack = StackView::new(&Stacktrace { frames: deep, ..Stacktrace::default() });
        assert_eq!(shape(&stack), [(false, vec!["leaf", "walk", "main"])]);
        assert_eq!(stack.runs[0].frames[1].repeat_count, 40);
        let nameless = vec![Frame::default(), Frame::default()];
        let stack = StackView::new(&Stacktrace { frames: nameless, ..Stacktrace::default() });
        assert_eq!(stack.runs[0].frames.len(), 2, "what says nothing may be two places");
    }

    #[test]
    fn source_lines_are_numbered_around_the_crash() {
        let view = FrameView::new(&frame("f", true));
        let numbers: Vec<(u64, bool)> = view.source.iter().map(|(n, _, is_it)| (*n, *is_it)).collect();
        assert_eq!(numbers, [(5, false), (6, false), (7, true), (8, false)]);
    }
}
