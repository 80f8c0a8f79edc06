//! What the text of a server's console says of its boot.

/// The verdict on a console's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The system came up.
    Up,
    /// It will not come up any more, for this reason.
    Down(&'static str),
    /// Nothing is known yet.
    Unclear,
}

/// What stands in a line of a system that does not come up, and what it means. Whatever else is said, it counts.
const DOWN: [(&str, &str); 21] = [
    ("Kernel panic - not syncing", "the kernel panicked"),
    (
        "VFS: Unable to mount root fs",
        "the kernel found no root file system",
    ),
    ("Attempted to kill init", "the first process died"),
    ("grub rescue>", "GRUB found none of its files"),
    (
        "error: unknown filesystem.",
        "GRUB cannot read the file system",
    ),
    ("No bootable device", "the firmware found nothing to boot"),
    (
        "Boot failed: not a bootable disk",
        "the firmware found nothing to boot",
    ),
    (
        "No bootable option or device was found",
        "the firmware found nothing to boot",
    ),
    (
        "UEFI Interactive Shell",
        "the firmware found nothing to boot",
    ),
    ("Missing operating system", "the disk has no boot loader"),
    ("Operating System not found", "the disk has no boot loader"),
    (
        "Dropping to a shell!",
        "the initramfs found no root file system",
    ),
    (
        "Entering emergency mode",
        "the system stopped in emergency mode",
    ),
    (
        "You are in emergency mode",
        "the system stopped in emergency mode",
    ),
    (
        "Give root password for maintenance",
        "the system stopped in emergency mode",
    ),
    (
        "Reached target Emergency Mode",
        "the system stopped in emergency mode",
    ),
    (
        "Reached target emergency.target",
        "the system stopped in emergency mode",
    ),
    ("Failed to start cloud-init", "cloud-init failed"),
    ("Failed to start Cloud-init", "cloud-init failed"),
    (
        "Failed to start Initial cloud-init job",
        "cloud-init failed",
    ),
    ("Ignition failed", "Ignition failed"),
];

/// What such a line begins with.
const PROMPTS: [(&str, &str); 4] = [
    ("grub>", "GRUB found no configuration"),
    ("(initramfs)", "the initramfs found no root file system"),
    ("mountroot>", "FreeBSD found no root file system"),
    ("Shell>", "the firmware found nothing to boot"),
];

/// Says what a console's text means. A login prompt, or cloud-init's last word, says that the system is up.
pub fn verdict(text: &str) -> Verdict {
    let lines: Vec<String> = lines(text).collect();
    let down = lines.iter().find_map(|line| {
        let within = DOWN.iter().find(|(sign, _)| line.contains(sign));
        let begins = || PROMPTS.iter().find(|(prompt, _)| line.starts_with(prompt));
        within.or_else(begins).map(|(_, reason)| *reason)
    });
    if let Some(reason) = down {
        return Verdict::Down(reason);
    }
    if lines
        .iter()
        .any(|line| is_login(line) || is_end_of_cloud_init(line))
    {
        return Verdict::Up;
    }
    Verdict::Unclear
}

/// Gives the last lines that say something, for a message.
pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<String> = lines(text)
        .filter(|line| !line.is_empty())
        .map(|line| line.replace('`', "'").chars().take(160).collect())
        .collect();
    lines[lines.len().saturating_sub(count)..].join(" / ")
}

/// `HOST login:`, as getty and its like ask; not `Last login: …`.
fn is_login(line: &str) -> bool {
    let Some((host, rest)) = line.split_once("login:") else {
        return false;
    };
    let host = host.trim_end();
    rest.trim().is_empty() && !host.contains(' ') && !host.is_empty()
}

/// `Cloud-init v. 24.1 finished at …`, which it says when all its stages are over.
fn is_end_of_cloud_init(line: &str) -> bool {
    line.split_once("Cloud-init v. ")
        .is_some_and(|(_, rest)| rest.contains(" finished at "))
}

/// The lines without colours, movements of the cursor and other controls.
fn lines(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(['\n', '\r']).map(|line| {
        let mut plain = String::new();
        let mut characters = line.chars();
        while let Some(character) = characters.next() {
            match character {
                '\u{1b}' => without_sequence(&mut characters),
                _ if character.is_control() => {}
                _ => plain.push(character),
            }
        }
        plain.trim().to_owned()
    })
}

/// Skips what follows an escape: `[`, parameters and a letter; or one character.
fn without_sequence(characters: &mut std::str::Chars<'_>) {
    if characters.next() != Some('[') {
        return;
    }
    for character in characters.by_ref() {
        if ('\u{40}'..='\u{7e}').contains(&character) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_prompt_says_that_the_system_is_up() {
        for text in [
            "Ubuntu 24.04.3 LTS ubuntu ttyS0\n\nubuntu login: ",
            "Debian GNU/Linux 13 debian ttyS0\r\n\r\ndebian login:",
            "AlmaLinux 10.0 (Purple Lion)\nKernel 6.12.0 on x86_64\n\nlocalhost login: ",
            "\nWelcome to Alpine Linux 3.22\nKernel 6.12 on an x86_64 (/dev/ttyS0)\n\nalpine-1 login: ",
            "Fedora CoreOS 42.20250901.3.0\nSSH host key: SHA256:abc (ED25519)\n\n\u{1b}[0mlocalhost login: ",
            "This is localhost (Linux x86_64 6.6.95-flatcar) 11:22:33\nlocalhost login: ",
            "FreeBSD/amd64 (freebsd) (ttyu0)\n\nfreebsd login:",
            "login as 'cirros' user. default password: 'gocubsgo'. use 'sudo' for root.\ncirros login: ",
            "Welcome to openSUSE Leap 16.0\n\nnode-1.example.org login: \n",
            "\u{1b}[H\u{1b}[Jarchlinux login: ",
        ] {
            assert_eq!(verdict(text), Verdict::Up, "{text}");
        }
    }

    #[test]
    fn the_last_word_of_cloud_init_says_so_too() {
        let text = "[   14.2] cloud-init[801]: Cloud-init v. 25.1.4 running 'modules:final'\n\
                    [   15.0] cloud-init[801]: Cloud-init v. 25.1.4 finished at Sat, 21 Nov 2026 10:00:00 +0000. \
                    Datasource DataSourceNone.  Up 15.04 seconds\n";
        assert_eq!(verdict(text), Verdict::Up);
        assert_eq!(verdict(text.lines().next().unwrap()), Verdict::Unclear);
    }

    #[test]
    fn a_system_that_died_is_down_whatever_it_said_before() {
        for (text, word) in [
            (
                "[    1.2] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)",
                "panicked",
            ),
            (
                "ubuntu login: \n[   60.1] Kernel panic - not syncing: Fatal exception",
                "panicked",
            ),
            (
                "error: no such partition.\nEntering rescue mode...\ngrub rescue> ",
                "GRUB",
            ),
            ("GNU GRUB  version 2.12\n\u{1b}[1mgrub> ", "GRUB"),
            (
                "Booting from Hard Disk...\nBoot failed: not a bootable disk\n\nNo bootable device.",
                "firmware",
            ),
            (
                "BdsDxe: failed to load Boot0001\nBdsDxe: No bootable option or device was found.",
                "firmware",
            ),
            ("UEFI Interactive Shell v2.2\nEDK II\nShell> ", "firmware"),
            (
                "ALERT!  LABEL=cloudimg-rootfs does not exist.  Dropping to a shell!\n(initramfs) ",
                "initramfs",
            ),
            (
                "Gave up waiting for root file system device.\n(initramfs) ",
                "initramfs",
            ),
            (
                "dracut-emergency: Entering emergency mode. Exit the shell to continue.",
                "emergency",
            ),
            (
                "You are in emergency mode. After logging in, type \"journalctl -xb\"",
                "emergency",
            ),
            (
                "[\u{1b}[0;1;32m  OK  \u{1b}[0m] Reached target \u{1b}[0;1;39mEmergency Mode\u{1b}[0m.",
                "emergency",
            ),
            ("Loader variables:\nmountroot> ", "FreeBSD"),
            (
                "[\u{1b}[0;1;31mFAILED\u{1b}[0m] Failed to start cloud-init.service.\nubuntu login: ",
                "cloud-init",
            ),
            (
                "[FAILED] Failed to start Initial cloud-init job (metadata service crawler).",
                "cloud-init",
            ),
            (
                "ignition[700]: Ignition failed: config is not valid",
                "Ignition",
            ),
        ] {
            match verdict(text) {
                Verdict::Down(reason) => assert!(reason.contains(word), "{reason}: {text}"),
                other => panic!("{other:?}: {text}"),
            }
        }
    }

    #[test]
    fn anything_else_says_nothing_yet() {
        for text in [
            "",
            "FAKE CONSOLE OUTPUT\nANOTHER\nLAST LINE",
            "SeaBIOS (version 1.16.3)\nBooting from Hard Disk...",
            "Last login: Sat Nov 21 10:00:00 UTC 2026 on ttyS0",
            "Command line: root=LABEL=cloudimg-rootfs ro console=ttyS0 panic=-1",
            "login:",
            "please wait for the login: prompt",
        ] {
            assert_eq!(verdict(text), Verdict::Unclear, "{text}");
        }
    }

    #[test]
    fn the_last_lines_are_plain_and_short() {
        let text = "one\n\n\u{1b}[31mtwo\u{1b}[0m `x`\r\n   \nthree\u{7}\n";
        assert_eq!(last_lines(text, 2), "two 'x' / three");
        assert_eq!(last_lines("", 3), "");
        assert_eq!(last_lines(&"a".repeat(500), 1).len(), 160);
    }
}
