//! The formats of images that Glance knows by default.

/// Glance's `disk_format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskFormat {
    /// Amazon's machine image.
    Ami,
    /// Amazon's RAM disk.
    Ari,
    /// Amazon's kernel.
    Aki,
    /// Virtual PC's disk, also called VPC.
    Vhd,
    /// Hyper-V's disk.
    Vhdx,
    /// `VMware`'s disk.
    Vmdk,
    /// The bytes that the guest sees.
    Raw,
    /// QEMU's disk, version 2 or 3.
    Qcow2,
    /// `VirtualBox`'s disk.
    Vdi,
    /// Virtuozzo's disk.
    Ploop,
    /// An optical disc, ISO 9660.
    Iso,
}

impl DiskFormat {
    /// All of them, in Glance's order.
    pub const ALL: [Self; 11] = [
        Self::Ami,
        Self::Ari,
        Self::Aki,
        Self::Vhd,
        Self::Vhdx,
        Self::Vmdk,
        Self::Raw,
        Self::Qcow2,
        Self::Vdi,
        Self::Ploop,
        Self::Iso,
    ];

    /// Glance's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ami => "ami",
            Self::Ari => "ari",
            Self::Aki => "aki",
            Self::Vhd => "vhd",
            Self::Vhdx => "vhdx",
            Self::Vmdk => "vmdk",
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vdi => "vdi",
            Self::Ploop => "ploop",
            Self::Iso => "iso",
        }
    }

    /// The format of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}
