//! The table of settings: [`SETTINGS`], in the order of `--help`. A new setting is a row here and a [`Key`], nothing else.

/// Names a setting; the order is that of [`SETTINGS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The data directory.
    Data,
    /// Where to listen.
    Listen,
    /// The static files.
    Www,
    /// The public root.
    BaseUrl,
    /// Who may sign up.
    Registration,
    /// The shortest password.
    PasswordMin,
    /// Rate limits.
    Limits,
    /// Whose X-Forwarded-* is believed.
    TrustedProxy,
    /// What an acknowledged write survives.
    Durability,
    /// Whether network file systems are taken.
    AllowNetworkFs,
    /// The cost of a password hash.
    Argon2,
    /// How long a login waits for its turn at hashing.
    HashWait,
    /// How many event loops a server runs.
    Threads,
    /// Whether a server gives up what it does not need.
    Sandbox,
    /// The WebSub hub.
    Hub,
    /// Whose certificates the hub's may be signed by.
    CaFile,
    /// What the wiki is called.
    WikiName,
    /// The language of its pages.
    WikiLanguage,
    /// Who reads the wiki.
    WikiRead,
    /// Who edits the wiki.
    WikiEdit,
    /// The users whom `named` means.
    WikiNamed,
    /// Whether the wiki is read-only.
    WikiReadOnly,
    /// The largest file.
    WikiFileMax,
    /// The most bytes of a page's files.
    WikiPageFilesMax,
    /// The most bytes of all files.
    WikiFilesMax,
}

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// A path, absolute or not; any bytes.
    Path,
    /// `host:port` or `unix:/path`.
    Listen,
    /// `http://…` or `https://…`.
    Url,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A number in these bounds.
    Number(u64, u64),
    /// Text that its owner parses; the phrase says what is wanted.
    Text,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Which one it is.
    pub key: Key,
    /// The environment variable.
    pub name: &'static str,
    /// The flag for people who start a program by hand.
    pub flag: &'static str,
    /// How `--help` shows the value.
    pub value: &'static str,
    /// The value if none is set; empty: none.
    pub default: &'static str,
    /// One sentence for `--help`.
    pub meaning: &'static str,
    /// What a value may be.
    pub check: Check,
}

/// Every setting; every program accepts all of them.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: Key::Data,
        name: "BLERG_DATA",
        flag: "--data",
        value: "DIR",
        default: "",
        meaning: "the data directory; made ready when it is empty, and never inside the document root",
        check: Check::Path,
    },
    Setting {
        key: Key::Listen,
        name: "BLERG_LISTEN",
        flag: "--listen",
        value: "ADDRESS",
        default: "",
        meaning: "where a server listens: 127.0.0.1:8080 or unix:/path; http_blerg: 127.0.0.1:8080, \
                  fcgi_blerg: the socket it was started with",
        check: Check::Listen,
    },
    Setting {
        key: Key::Www,
        name: "BLERG_WWW",
        flag: "--www",
        value: "DIR",
        default: "",
        meaning: "the static files of http_blerg; else www/ beside the program or ../share/blerg/www",
        check: Check::Path,
    },
    Setting {
        key: Key::BaseUrl,
        name: "BLERG_BASE_URL",
        flag: "--base-url",
        value: "URL",
        default: "",
        meaning: "the public root of the site, such as https://example.org/blog/; else taken from each request",
        check: Check::Url,
    },
    Setting {
        key: Key::Registration,
        name: "BLERG_REGISTRATION",
        flag: "--registration",
        value: "WHO",
        default: "open",
        meaning: "who may sign up: open, closed or invite",
        check: Check::Words(&["open", "closed", "invite"]),
    },
    Setting {
        key: Key::PasswordMin,
        name: "BLERG_PASSWORD_MIN",
        flag: "--password-min",
        value: "BYTES",
        default: "8",
        meaning: "the shortest password taken",
        check: Check::Number(1, 64),
    },
    Setting {
        key: Key::Limits,
        name: "BLERG_LIMITS",
        flag: "--limits",
        value: "LIMITS",
        default: "default",
        meaning: "how often one address or account may log in, sign up and write: default, off, or tries/seconds \
                  as in login=10/60,create=5/3600,put=60/60,look=120/60,small=120/60 (look: histories and searches of the \
                  wiki; small: subscriptions, what was seen, sessions ended)",
        check: Check::Text,
    },
    Setting {
        key: Key::TrustedProxy,
        name: "BLERG_TRUSTED_PROXY",
        flag: "--trusted-proxy",
        value: "LIST",
        default: "",
        meaning: "proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses, networks \
                  (10.0.0.0/8) and the word unix, between commas",
        check: Check::Text,
    },
    Setting {
        key: Key::Durability,
        name: "BLERG_DURABILITY",
        flag: "--durability",
        value: "WHAT",
        default: "",
        meaning: "sync: an acknowledged write survives a power cut (new directories have this); none: it may not; \
                  chosen when the data directory is made",
        check: Check::Words(&["sync", "none"]),
    },
    Setting {
        key: Key::AllowNetworkFs,
        name: "BLERG_ALLOW_NETWORK_FS",
        flag: "--allow-network-fs",
        value: "0|1",
        default: "0",
        meaning: "1: take a data directory on NFS and the like, where locks and maps may not work",
        check: Check::Words(&["0", "1"]),
    },
    Setting {
        key: Key::Argon2,
        name: "BLERG_ARGON2",
        flag: "--argon2",
        value: "MIB",
        default: "default",
        meaning: "memory of one password hash: default (64 MiB), or 46, 19, 12, 9, 7 for small hosts",
        check: Check::Text,
    },
    Setting {
        key: Key::HashWait,
        name: "BLERG_HASH_WAIT",
        flag: "--hash-wait",
        value: "SECONDS",
        default: "20",
        meaning: "how long a login waits for its turn at hashing before it is answered with 503",
        check: Check::Number(1, 600),
    },
    Setting {
        key: Key::Threads,
        name: "BLERG_THREADS",
        flag: "--threads",
        value: "NUMBER",
        default: "",
        meaning: "event loops of a server; http_blerg: one per processor, at most 4; fcgi_blerg: 1",
        check: Check::Number(1, 64),
    },
    Setting {
        key: Key::Sandbox,
        name: "BLERG_SANDBOX",
        flag: "--sandbox",
        value: "on|off",
        default: "on",
        meaning: "on: a server lets the kernel (Landlock, seccomp) refuse it files outside its data, other programs and \
                  system calls that it has no use for, as far as the kernel can; off: for finding out what is wrong",
        check: Check::Words(&["on", "off"]),
    },
    Setting {
        key: Key::Hub,
        name: "BLERG_HUB",
        flag: "--hub",
        value: "URL",
        default: "",
        meaning: "the WebSub hub that feeds name, and that is told of every new record; needs BLERG_BASE_URL",
        check: Check::Url,
    },
    Setting {
        key: Key::CaFile,
        name: "BLERG_CA_FILE",
        flag: "--ca-file",
        value: "FILE",
        default: "",
        meaning: "certificates (PEM) that a hub's may be signed by; else those of the system",
        check: Check::Path,
    },
    Setting {
        key: Key::WikiName,
        name: "BLERG_WIKI_NAME",
        flag: "--wiki-name",
        value: "NAME",
        default: "Wiki",
        meaning: "what the wiki is called, on its pages and in its feeds",
        check: Check::Text,
    },
    Setting {
        key: Key::WikiLanguage,
        name: "BLERG_WIKI_LANGUAGE",
        flag: "--wiki-language",
        value: "TAG",
        default: "en",
        meaning: "the language that the wiki's pages are written in, as in HTML: en, de, pt-BR",
        check: Check::Text,
    },
    Setting {
        key: Key::WikiRead,
        name: "BLERG_WIKI_READ",
        flag: "--wiki-read",
        value: "WHO",
        default: "everybody",
        meaning: "who reads the wiki: everybody, members, named (see BLERG_WIKI_NAMED) or admins",
        check: Check::Words(&["everybody", "members", "named", "admins"]),
    },
    Setting {
        key: Key::WikiEdit,
        name: "BLERG_WIKI_EDIT",
        flag: "--wiki-edit",
        value: "WHO",
        default: "members",
        meaning: "who edits the wiki, renames pages and attaches files: everybody, members, named or admins; admins \
                  alone protect and delete pages",
        check: Check::Words(&["everybody", "members", "named", "admins"]),
    },
    Setting {
        key: Key::WikiNamed,
        name: "BLERG_WIKI_NAMED",
        flag: "--wiki-named",
        value: "LIST",
        default: "",
        meaning: "the users whom the word named means, between commas; admins are always among them",
        check: Check::Text,
    },
    Setting {
        key: Key::WikiReadOnly,
        name: "BLERG_WIKI_READ_ONLY",
        flag: "--wiki-read-only",
        value: "0|1",
        default: "0",
        meaning: "1: nobody changes the wiki but the operator with blergtool",
        check: Check::Words(&["0", "1"]),
    },
    Setting {
        key: Key::WikiFileMax,
        name: "BLERG_WIKI_FILE_MAX",
        flag: "--wiki-file-max",
        value: "MIB",
        default: "10",
        meaning: "the largest file that may be attached to a page, in MiB",
        check: Check::Number(1, 1_024),
    },
    Setting {
        key: Key::WikiPageFilesMax,
        name: "BLERG_WIKI_PAGE_FILES_MAX",
        flag: "--wiki-page-files-max",
        value: "MIB",
        default: "100",
        meaning: "room for the files of one page, earlier versions and deleted files included, in MiB",
        check: Check::Number(1, 1_048_576),
    },
    Setting {
        key: Key::WikiFilesMax,
        name: "BLERG_WIKI_FILES_MAX",
        flag: "--wiki-files-max",
        value: "MIB",
        default: "1024",
        meaning: "room for all files of the wiki, earlier versions and deleted files included, in MiB",
        check: Check::Number(1, 1_048_576),
    },
];
