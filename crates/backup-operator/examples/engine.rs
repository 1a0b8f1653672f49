//! The engine beside restic, on the same data in the same run: `cargo run --release -p backup-operator --example engine -- FOLDER`.
//!
//! 20,000 files with 2 GB and three dumps, or `FILES BYTES DUMP` as further arguments; 15 % of it compresses. Ours goes through the gateway, as a mover's does; restic goes to a folder, and once
//! more through the gateway. Every step is a process of its own, whose peak memory is what the kernel says. restic's packs have 16 MiB too.
#![allow(missing_docs)]

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use axum::serve::ListenerExt;
use backup_operator::{
    engine::{
        Key, Limits, Parent, Progress, Repository, Rest, Save, Storage,
        restore::{Target, Wanted},
        source::{Folder, Listed, Source, Stream, artifact},
    },
    gateway::{
        Gateway, Metrics, Rights, Stores,
        access::Fixed,
        router,
        storage::{Config, Patience, build},
    },
};
use object_store::ObjectStore;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const DUMPS: u64 = 3;

/// What is backed up.
#[derive(Clone, Copy)]
struct Amount {
    files: u64,
    bytes: u64,
    /// Bytes of each dump; 0: no dumps.
    dump: u64,
}

const USUAL: Amount = Amount { files: 20_000, bytes: 2_000_000_000, dump: 100_000_000 };

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["serve", folder] => serve(Path::new(folder)),
        ["step", name, folder, address] => step(name, Path::new(folder), address),
        [folder] => compare(Path::new(folder), USUAL),
        [folder, files, bytes, dump] => {
            amount([files, bytes, dump]).and_then(|amount| compare(Path::new(folder), amount))
        }
        _ => Err("usage: engine FOLDER [FILES BYTES DUMP]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Seconds and peak megabytes.
#[derive(Clone, Copy, Default)]
struct Cost {
    seconds: f64,
    megabytes: f64,
}

fn amount(words: [&str; 3]) -> Result<Amount> {
    let [files, bytes, dump] = words.map(str::parse);
    Ok(Amount { files: files?, bytes: bytes?, dump: dump? })
}

fn compare(folder: &Path, amount: Amount) -> Result<()> {
    let data = folder.join("data");
    if !data.exists() {
        make(&data, amount)?;
    }
    for name in ["storage", "ours", "restic", "restic-gateway", "by-restic", "by-restic-gateway"] {
        let _ = fs::remove_dir_all(folder.join(name));
    }
    fs::create_dir(folder.join("storage"))?;
    fs::write(folder.join("token"), "token")?;
    let me = env::current_exe()?;
    let mut gateway =
        Command::new(&me).arg("serve").arg(folder.join("storage")).stdout(Stdio::piped()).spawn()?;
    let mut address = String::new();
    io::BufRead::read_line(&mut io::BufReader::new(gateway.stdout.take().ok_or("no output")?), &mut address)?;
    let address = address.trim().to_owned();

    let ours = |step: &str| cost(Command::new(&me).args(["step", step]).arg(folder).arg(&address));
    let restic = |repository: &str, arguments: &[&str]| {
        let mut command = Command::new("restic");
        command.args(["--no-cache", "--quiet", "--pack-size", "16", "-r", repository]).args(arguments);
        command.env("RESTIC_PASSWORD", "password").current_dir(&data);
        cost(&mut command)
    };
    ours("init")?;
    let mut table: Vec<(&str, [Cost; 3])> = Vec::new();
    let direct = folder.join("restic").display().to_string();
    let through = format!("rest:http://any:token@{address}/here/restic");
    let targets = [
        folder.join("by-restic").display().to_string(),
        folder.join("by-restic-gateway").display().to_string(),
    ];
    restic(&direct, &["init", "--repository-version", "2"])?;
    restic(&through, &["init", "--repository-version", "2"])?;
    let dumps: Vec<String> =
        (0..if amount.dump > 0 { DUMPS } else { 0 }).map(|number| format!("dump-{number}")).collect();
    table.push((
        "full",
        [
            ours("files")?,
            restic(&direct, &["backup", "artifact"])?,
            restic(&through, &["backup", "artifact"])?,
        ],
    ));
    table.push((
        "unchanged",
        [
            ours("again")?,
            restic(&direct, &["backup", "artifact"])?,
            restic(&through, &["backup", "artifact"])?,
        ],
    ));
    let mut streams = [Cost::default(); 3];
    for dump in &dumps {
        let stream = |repository: &str| {
            let shell = format!(
                "restic --no-cache --quiet --pack-size 16 -r {repository} backup --stdin --stdin-filename {dump} < {dump}"
            );
            cost(
                Command::new("sh").args(["-c", &shell]).env("RESTIC_PASSWORD", "password").current_dir(&data),
            )
        };
        for (sum, cost) in streams.iter_mut().zip([ours(dump)?, stream(&direct)?, stream(&through)?]) {
            sum.seconds += cost.seconds;
            sum.megabytes = sum.megabytes.max(cost.megabytes);
        }
    }
    if amount.dump > 0 {
        table.push(("three dumps", streams));
    }
    let restored = [
        ours("restore")?,
        restic(
            &direct,
            &[
                "restore",
                "latest",
                "--path",
                &data.join("artifact").display().to_string(),
                "--target",
                &targets[0],
            ],
        )?,
        restic(
            &through,
            &[
                "restore",
                "latest",
                "--path",
                &data.join("artifact").display().to_string(),
                "--target",
                &targets[1],
            ],
        )?,
    ];
    table.push(("restore", restored));
    println!(
        "| step | ours, through the gateway | restic, directly | restic, through the gateway | restic / ours |"
    );
    println!("|---|---|---|---|---|");
    for (step, [ours, direct, through]) in table {
        let cell = |cost: Cost| format!("{:.1} s, {:.0} MB", cost.seconds, cost.megabytes);
        let (once, twice) = (direct.seconds / ours.seconds, through.seconds / ours.seconds);
        println!(
            "| {step} | {} | {} | {} | {once:.2}, {twice:.2} |",
            cell(ours),
            cell(direct),
            cell(through)
        );
    }
    println!("| the gateway, most memory | {:.0} MB | - | - | - |", peak(gateway.id()).unwrap_or_default());
    gateway.kill()?;
    gateway.wait()?;
    Ok(())
}

/// Runs a step to its end. What the step before it has left to be written is not its time.
fn cost(command: &mut Command) -> Result<Cost> {
    Command::new("sync").status()?;
    let begun = Instant::now();
    let mut child: Child = command.spawn()?;
    let mut megabytes = 0.0_f64;
    let status = loop {
        // A shell's child is what counts; both are looked at while they run.
        for pid in [Some(child.id()), only_child(child.id())].into_iter().flatten() {
            megabytes = megabytes.max(peak(pid).unwrap_or_default());
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(10));
    };
    if !status.success() {
        return Err(format!("{command:?}: {status}").into());
    }
    Ok(Cost { seconds: begun.elapsed().as_secs_f64(), megabytes })
}

fn only_child(pid: u32) -> Option<u32> {
    fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .ok()?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

fn peak(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kilobytes| kilobytes / 1000.0)
}

fn step(step: &str, folder: &Path, address: &str) -> Result<()> {
    let key = Key::of(&[7; 32], "tenant")?;
    let rest = Rest::new(Storage {
        name: "here".to_owned(),
        url: format!("http://{address}/here/tenant"),
        token: folder.join("token"),
        ca: None,
        limits: Limits::default(),
    })?;
    if step == "init" {
        Repository::init(&rest, &key)?;
        return Ok(());
    }
    let (repository, progress) = (Repository::open(&rest, &key)?, Progress::default());
    let tags = |kind: &str| Save { tags: vec![kind.to_owned()], host: "bench".to_owned(), ..Save::default() };
    let of_files = || -> Result<_> {
        let found = repository.snapshots()?.into_iter().find(|snapshot| snapshot.tags == ["files"]);
        Ok(found.ok_or("no snapshot")?.id)
    };
    match step {
        "files" => drop(repository.save(artifacts(folder)?, &tags("files"), &progress)?),
        "again" => {
            let save = Save { parent: Parent::Snapshot(of_files()?), ..tags("again") };
            let saved = repository.save(artifacts(folder)?, &save, &progress)?;
            assert_eq!(saved.added, 0);
        }
        "restore" => {
            let wanted = Wanted { digest: artifact, ..Wanted::default() };
            repository.reader()?.restore(
                &of_files()?,
                &Target::Folder(folder.join("ours")),
                &wanted,
                &progress,
            )?;
        }
        dump => {
            let read = Box::new(fs::File::open(folder.join("data").join(dump))?);
            let stream = Stream { name: dump.into(), read, finish: Box::new(|| Ok(())) };
            repository.save(Source::Stream(stream), &tags("dump"), &progress)?;
        }
    }
    Ok(())
}

/// As the tables of a cut would name them: path, size, digest, one after the other.
fn artifacts(folder: &Path) -> Result<Source> {
    let list = fs::File::open(folder.join("data/list"))?;
    let files = io::BufRead::lines(io::BufReader::new(list)).map_while(io::Result::ok).filter_map(|line| {
        let (size, path) = line.split_once(' ')?;
        let path = PathBuf::from(path);
        Some(Listed { size: size.parse().ok(), sha256: artifact(&path), path })
    });
    let root = folder.join("data");
    Ok(Source::Folder(Folder { root, files: Box::new(files), total: (0, 0), reread: false }))
}

struct One(Arc<dyn ObjectStore>);

#[async_trait]
impl Stores for One {
    async fn named(&self, _storage: &str) -> Option<Arc<dyn ObjectStore>> {
        Some(self.0.clone())
    }
}

fn serve(folder: &Path) -> Result<()> {
    let store = build(&Config::Folder(folder.to_owned()), Patience::default())?;
    let rights = Rights { read: true, append: true, delete: true };
    let mut tokens = BTreeMap::new();
    for repository in ["tenant", "restic"] {
        tokens.insert(("token".to_owned(), "here".to_owned(), repository.to_owned()), rights);
    }
    let gateway = Gateway {
        access: Arc::new(Fixed(tokens)),
        stores: Arc::new(One(store)),
        metrics: Arc::new(Metrics::default()),
        memory: 128 * 1024 * 1024,
        patience: Duration::from_secs(25),
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        // As the operator's own server does.
        let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
        Ok(axum::serve(listener, router(gateway)).await?)
    })
}

/// The same bytes every time; some sizes small, some big, as of packages.
fn make(data: &Path, amount: Amount) -> Result<()> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut listed = Vec::new();
    let average = amount.bytes / amount.files;
    for number in 0..amount.files {
        let size = average / 2 + next() % average;
        let content = content(&mut next, size, number % 100 < 15);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &content);
        let digits = digest.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let name: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
        let path = format!("artifact/{}/{}", &name[..2], &name[2..]);
        fs::create_dir_all(data.join(&path).parent().ok_or("no folder")?)?;
        fs::write(data.join(&path), content)?;
        listed.push((path, size));
    }
    listed.sort();
    let lines: Vec<String> = listed.iter().map(|(path, size)| format!("{size} {path}\n")).collect();
    fs::write(data.join("list"), lines.concat())?;
    for number in 0..DUMPS {
        fs::write(data.join(format!("dump-{number}")), content(&mut next, amount.dump, true))?;
    }
    Ok(())
}

fn content(next: &mut impl FnMut() -> u64, size: u64, text: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < size {
        if text {
            let row = format!("{}\trow\tpulp.rpm\t{}\n", next() % 100_000, next() % 1000);
            bytes.extend_from_slice(row.as_bytes());
        } else {
            bytes.extend_from_slice(&next().to_le_bytes());
        }
    }
    let mut whole = Vec::new();
    let _ = io::Cursor::new(bytes).take(size).read_to_end(&mut whole);
    whole
}
