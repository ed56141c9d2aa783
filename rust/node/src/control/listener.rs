//! Opening the Unix socket.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// Listens at `path`, mode 0600. A socket that a dead node left there is replaced.
///
/// # Errors
/// `AddrInUse` when a node answers there; `AlreadyExists` when the path is not a socket.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    if let Ok(meta) = fs::symlink_metadata(path) {
        if !meta.file_type().is_socket() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the control path is not a socket"));
        }
        if UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another node listens at the control path"));
        }
        fs::remove_file(path)?;
    }
    // Bound under a name of our own and with no rights for others, then moved: nobody can connect in between.
    let early = path.with_extension(format!("{}.new", std::process::id()));
    let _ = fs::remove_file(&early);
    let listener = UnixListener::bind(&early)?;
    fs::set_permissions(&early, fs::Permissions::from_mode(0o600))?;
    fs::rename(&early, path)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_may_connect_and_a_living_node_is_not_pushed_aside() {
        let folder = std::env::temp_dir().join(format!("dc-listen-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("control");
        let first = listen(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(listen(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        listen(&path).expect("what a dead node left is replaced");
        fs::remove_file(&path).unwrap();
        fs::write(&path, "precious").unwrap();
        assert_eq!(listen(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        fs::remove_dir_all(&folder).unwrap();
    }
}
