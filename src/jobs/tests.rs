//! A job in every way in which a run can end.

use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use super::*;

/// What the work of these tests does next.
enum Act {
    Swept,
    Fail,
    Panic,
    Finish,
}

/// Does what the test says, step by step. Its state is how many steps it has done.
struct Puppet {
    acts: Mutex<Receiver<Act>>,
    panics_when_broken: bool,
    broken: Mutex<Vec<(u32, String)>>,
}

impl Work for Puppet {
    type Order = u32;
    type State = u32;
    const THREAD: &'static str = "puppet";

    fn prepare(&self, order: u32) -> Result<u32> {
        if order == u32::MAX { Err(Error::bad_arg("too many")) } else { Ok(order) }
    }

    fn busy(&self, running: &u32) -> Error {
        Error::bad_arg(format!("at {running}"))
    }

    fn run(&self, mut state: u32, control: &Control<'_, Puppet>) -> Result<()> {
        loop {
            if control.reached(state) != Signal::GoOn {
                return Ok(());
            }
            let act = lock(&self.acts).recv().expect("the test goes on");
            match act {
                Act::Swept => state += 1,
                Act::Fail => return Err(Error::internal("it failed")),
                Act::Panic => panic!("puppet at {state}"),
                Act::Finish => return Ok(()),
            }
        }
    }

    fn broke_off(&self, state: &u32, why: &Error) {
        lock(&self.broken).push((*state, why.message.clone()));
        assert!(!self.panics_when_broken, "and again");
    }
}

fn puppet(panics_when_broken: bool) -> (Job<Puppet>, Sender<Act>) {
    let (send, acts) = mpsc::channel();
    (Job::new(Puppet { acts: Mutex::new(acts), panics_when_broken, broken: Mutex::default() }), send)
}

fn wait_for(job: &Job<Puppet>, wanted: impl Fn(&Status<u32>) -> bool) -> Status<u32> {
    let since = Instant::now();
    loop {
        let status = job.status();
        if wanted(&status) {
            return status;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "{status:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn one_run_at_a_time_and_its_status_at_any_time() {
    let (job, acts) = puppet(false);
    assert_eq!((job.status(), job.stop()), (Status::Idle, false));
    assert_eq!(job.begin(u32::MAX), Err(Error::bad_arg("too many")));
    assert_eq!(job.status(), Status::Idle, "a refused order is none");
    assert_eq!((job.begin(10), job.status()), (Ok(()), Status::Running(10)));
    acts.send(Act::Swept).expect("it runs");
    wait_for(&job, |status| *status == Status::Running(11));
    assert_eq!(job.begin(20), Err(Error::bad_arg("at 11")));
    acts.send(Act::Finish).expect("it runs");
    wait_for(&job, |status| *status == Status::Idle);
    assert_eq!(job.begin(20), Ok(()));
    acts.send(Act::Swept).expect("it runs");
    wait_for(&job, |status| *status == Status::Running(21));
    assert_eq!((job.stop(), job.status()), (true, Status::Stopping(21)));
    acts.send(Act::Swept).expect("it runs");
    wait_for(&job, |status| *status == Status::Idle);
    assert_eq!((job.resume(30), job.status()), (Ok(()), Status::Running(30)), "a stop is for one run");
    acts.send(Act::Finish).expect("it runs");
    assert!(lock(&job.work().broken).is_empty());
}

#[test]
fn a_run_that_fails_or_panics_is_over_and_the_next_one_begins() {
    for panics_when_broken in [false, true] {
        let (job, acts) = puppet(panics_when_broken);
        for (act, told) in [(Act::Panic, "a defect, it panicked: puppet at 2; "), (Act::Fail, "it failed")] {
            assert_eq!(job.begin(1), Ok(()));
            acts.send(Act::Swept).expect("it runs");
            acts.send(act).expect("it runs");
            let status = wait_for(&job, |status| !matches!(status, Status::Running(_)));
            let Status::BrokeOff(2, why) = status else { panic!("{status:?}") };
            assert!(why.message.starts_with(told), "{why}");
            assert_eq!(lock(&job.work().broken).pop(), Some((2, why.message)));
            assert!(!job.stop(), "there is nothing to stop");
        }
        assert_eq!((job.begin(5), job.status()), (Ok(()), Status::Running(5)));
        acts.send(Act::Finish).expect("it runs");
        wait_for(&job, |status| *status == Status::Idle);
    }
}

#[test]
fn a_closed_job_has_ended_and_begins_no_more() {
    let (job, acts) = puppet(false);
    assert_eq!(job.begin(1), Ok(()));
    thread::scope(|scope| {
        let closing = scope.spawn(|| job.close());
        wait_for(&job, |_| job.shared.now().closed);
        acts.send(Act::Swept).expect("it runs");
        closing.join().expect("it closes");
    });
    assert_eq!(job.status(), Status::Idle);
    assert_eq!(job.begin(2).map_err(|why| why.code), Err(Code::Draining));
}
