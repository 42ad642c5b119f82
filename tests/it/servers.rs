//! Real web servers with the files of `htaccess/`, exactly as they are: a main configuration made here stands for the
//! machine's own (Debian's, in short) and includes them the way their first lines say. Start at [`start`].

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::front::{Kind, Way};
use super::site::{Running, Site, command, hand_over, make_folder};

/// A file of `htaccess/`.
pub fn delivered(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("htaccess").join(name)
}

/// Starts the server that `way` names, with what it needs behind it.
pub fn start(way: &mut Way) {
    match way.kind {
        Kind::LighttpdCgi => lighttpd(way, "lighttpd-cgi.conf"),
        Kind::LighttpdFcgi => lighttpd(way, "lighttpd-fcgi.conf"),
        Kind::ApacheCgi => apache_htaccess(way),
        Kind::ApacheFcgid => apache_fcgid(way),
        Kind::ApacheProxyFcgi => apache_proxy_fcgi(way),
        Kind::Nginx => nginx(way),
        Kind::Cgi | Kind::Fcgi | Kind::Http => unreachable!("not a web server"),
    }
}

/// Copies a delivered file to where the server's user can read it, changed as its comments say.
#[track_caller]
fn install(name: &str, to: &Path, changes: &[(&str, &str)]) {
    let mut text = fs::read_to_string(delivered(name)).unwrap();
    for (from, into) in changes {
        assert!(text.contains(from), "{name} has no {from:?}");
        text = text.replace(from, into);
    }
    fs::write(to, text).unwrap();
    hand_over(to);
}

/// Writes the main configuration.
fn write_main(site: &Site, name: &str, text: &str) -> PathBuf {
    let path = site.run().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn lighttpd(way: &mut Way, file: &str) {
    let port = way.listen();
    let site = &way.site;
    let run = site.run();
    install(file, &run.join(file), &[]);
    make_folder(&run.join("document-root"));
    make_folder(&run.join("uploads"));
    let mut text = format!(
        r#"server.modules = ( "mod_indexfile", "mod_access", "mod_alias", "mod_redirect" )
server.document-root = "{run}/document-root"
server.upload-dirs = ( "{run}/uploads" )
server.bind = "127.0.0.1"
server.port = {port}
server.max-fds = 8192
server.max-connections = 4096
server.http-parseopts = ( "header-strict" => "enable", "host-strict" => "enable", "host-normalize" => "enable",
    "url-normalize-unreserved" => "enable", "url-normalize-required" => "enable", "url-ctrls-reject" => "enable",
    "url-path-2f-decode" => "enable", "url-path-dotseg-remove" => "enable" )
index-file.names = ( "index.php", "index.html" )
url.access-deny = ( "~", ".inc" )
static-file.exclude-extensions = ( ".php", ".pl", ".fcgi" )
mimetype.assign = ( ".html" => "text/html", ".css" => "text/css", ".js" => "text/javascript" )
server.modules += ( "mod_setenv", "mod_accesslog" )
accesslog.filename = "{run}/access.log"
accesslog.format = "%s %r %{{User-Agent}}i"
var.blerg_url = "{url}"
var.blerg_www = "{www}"
var.blerg_lib = "{lib}"
var.blerg_program = "{lib}/fcgi_blerg"
var.blerg_feeds = "{feeds}"
var.blerg_data = "{data}"
var.blerg_socket = "{run}/lighttpd.sock"
"#,
        run = run.display(),
        url = site.url,
        www = site.www().display(),
        lib = site.programs().display(),
        feeds = site.program("rss.cgi").display(),
        data = site.data().display(),
    );
    // Settings beside the data directory come from lighttpd's own environment (mod_fastcgi) or from mod_setenv (mod_cgi).
    let settings: Vec<String> =
        site.settings.iter().map(|(name, value)| format!("\"{name}\" => \"{value}\"")).collect();
    let _ = writeln!(text, "setenv.add-environment = ( {} )", settings.join(", "));
    let _ = writeln!(text, "include \"{}/{file}\"", run.display());
    text.push_str("server.modules += ( \"mod_dirlisting\", \"mod_staticfile\" )\n");
    let main = write_main(site, "lighttpd.conf", &text);
    let mut command = command("lighttpd");
    command.args(["-D", "-f"]).arg(main).envs(site.settings.iter().cloned());
    let running = Running::start(site, "lighttpd", &mut command);
    way.add(running);
}

const APACHE_MODULES: &str = "/usr/lib/apache2/modules";

/// What Debian's apache2.conf and its enabled modules come to.
fn apache_main(site: &Site, port: u16, modules: &[&str]) -> String {
    let run = site.run();
    let usual = [
        "mpm_event",
        "authz_core",
        "authz_host",
        "dir",
        "alias",
        "mime",
        "env",
        "setenvif",
        "rewrite",
        "reqtimeout",
        "autoindex",
        "filter",
        "deflate",
    ];
    let mut text = String::new();
    for module in usual.iter().chain(modules) {
        let _ = writeln!(text, "LoadModule {module}_module {APACHE_MODULES}/mod_{module}.so");
    }
    let _ = write!(
        text,
        r#"ServerRoot {run}
DefaultRuntimeDir {run}
PidFile {run}/apache.pid
Mutex file:{run} default
ErrorLog /dev/stderr
ServerName localhost
Listen 127.0.0.1:{port}
TypesConfig /etc/mime.types
LogFormat "%>s %r %{{User-Agent}}i" short
CustomLog {run}/access.log short
AddOutputFilterByType DEFLATE text/html text/plain application/json application/rss+xml application/atom+xml
AddOutputFilterByType DEFLATE application/feed+json
StartServers 1
<Directory />
    Options FollowSymLinks
    AllowOverride None
    Require all denied
</Directory>
<FilesMatch "^\.ht">
    Require all denied
</FilesMatch>
DocumentRoot {run}/document-root
<Directory {run}/document-root>
    Options Indexes FollowSymLinks
    AllowOverride FileInfo Options
    Require all granted
</Directory>
"#,
        run = run.display(),
    );
    make_folder(&run.join("document-root"));
    text
}

fn start_apache(way: &mut Way, text: &str) {
    let main = write_main(&way.site, "apache.conf", text);
    let mut command = command("apache2");
    command.arg("-DFOREGROUND").arg("-f").arg(main);
    let running = Running::start(&way.site, "apache2", &mut command);
    way.add(running);
}

/// Shared hosting: everything lies in the document root or below, set up by .htaccess alone.
fn apache_htaccess(way: &mut Way) {
    let port = way.listen();
    let site = &way.site;
    let text = apache_main(site, port, &["cgid"]) + &format!("ScriptSock {}/cgid.sock\n", site.run().display());
    let folder = PathBuf::from(format!("{}/document-root{}", site.run().display(), site.url));
    make_folder(&folder);
    for entry in fs::read_dir(site.www()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    fs::copy(site.program("cgi_blerg"), folder.join("blerg.cgi")).unwrap();
    for program in ["rss.cgi", "wiki.cgi"] {
        fs::copy(site.program(program), folder.join(program)).unwrap();
    }
    let mut settings = format!("SetEnv BLERG_DATA {}", site.data().display());
    for (name, value) in &site.settings {
        let _ = write!(settings, "\nSetEnv {name} \"{value}\"");
    }
    install("apache.htaccess", &folder.join(".htaccess"), &[("SetEnv BLERG_DATA /home/you/blerg-data", &settings)]);
    start_apache(way, &text);
}

/// The lines that stand before an Include in the virtual host.
fn apache_defines(site: &Site) -> String {
    let mut text = format!(
        "Define BLERG_WWW {www}\nDefine BLERG_DATA {data}\nDefine BLERG_SOCKET {run}/fcgi.sock\nDefine BLERG_PROGRAM {program}\n",
        www = site.www().display(),
        data = site.data().display(),
        run = site.run().display(),
        program = site.program("fcgi_blerg").display(),
    );
    if !site.url.is_empty() {
        let _ = writeln!(text, "Define BLERG_URL {}/", site.url);
    }
    text
}

fn apache_fcgid(way: &mut Way) {
    let port = way.listen();
    let site = &way.site;
    let run = site.run();
    let mut text = apache_main(site, port, &["fcgid"]);
    let _ = write!(text, "FcgidIPCDir {run}\nFcgidProcessTableFile {run}/fcgid.shm\n", run = run.display());
    let _ = write!(text, "<VirtualHost 127.0.0.1:{port}>\n{}", apache_defines(site));
    for (name, value) in &site.settings {
        let _ = writeln!(text, "FcgidInitialEnv {name} \"{value}\"");
    }
    install("apache-fcgid.conf", &run.join("apache-fcgid.conf"), &[]);
    let _ = write!(text, "Include {}/apache-fcgid.conf\n</VirtualHost>\n", run.display());
    start_apache(way, &text);
}

fn apache_proxy_fcgi(way: &mut Way) {
    way.start_worker();
    let port = way.listen();
    let site = &way.site;
    let run = site.run();
    let mut text = apache_main(site, port, &["proxy", "proxy_fcgi"]);
    install("apache-proxy-fcgi.conf", &run.join("apache-proxy-fcgi.conf"), &[]);
    let _ = write!(
        text,
        "<VirtualHost 127.0.0.1:{port}>\n{}Include {}/apache-proxy-fcgi.conf\n</VirtualHost>\n",
        apache_defines(site),
        run.display()
    );
    start_apache(way, &text);
}

fn nginx(way: &mut Way) {
    way.start_worker();
    let port = way.listen();
    let site = &way.site;
    let run = site.run();
    let listen = format!("listen 127.0.0.1:{port};");
    let socket = format!("unix:{}/fcgi.sock;", run.display());
    let www = format!("alias {}/;", site.www().display());
    let (location, script) = (format!("location {}/ {{", site.url), format!("SCRIPT_NAME {}/", site.url));
    let changes = [
        ("listen 80;", listen.as_str()),
        ("unix:/run/blerg/fcgi.sock;", &socket),
        ("alias /usr/local/share/blerg/www/;", &www),
        ("location / {", &location),
        ("SCRIPT_NAME /", &script),
    ];
    install("nginx.conf", &run.join("blerg.conf"), &changes);
    let text = format!(
        r"daemon off;
pid {run}/nginx.pid;
error_log stderr;
worker_processes 2;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    include /etc/nginx/mime.types;
    client_body_temp_path {run}/body; proxy_temp_path {run}/proxy; fastcgi_temp_path {run}/fastcgi;
    uwsgi_temp_path {run}/uwsgi; scgi_temp_path {run}/scgi;
    gzip on;
    include {run}/blerg.conf;
}}
",
        run = run.display(),
    );
    let main = write_main(site, "nginx.conf", &text);
    let mut command = command("nginx");
    command.args(["-e", "stderr", "-c"]).arg(main);
    let running = Running::start(site, "nginx", &mut command);
    way.add(running);
}
