#!/bin/bash
# prepare-root.sh ROOT PUBLIC_KEY: makes a fresh Debian root file system a lab machine: a key for root, one card by the kernel's
# command line, what a machine in a lab never needs left out of its boot.
set -euo pipefail
root="$1" key="$2"
ctl() { chroot "$root" systemctl -q "$@" 2>&1 | grep -vE 'Synchroniz|Executing|does not exist' || true; }

install -d -m 700 "$root/root/.ssh"
install -m 600 "$key" "$root/root/.ssh/authorized_keys"
rm -f "$root"/etc/ssh/ssh_host_{rsa,ecdsa}_key*
echo machine >"$root/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost\n10.77.0.1 outside\n10.77.0.11 m1\n10.77.0.12 m2\n' >"$root/etc/hosts"
echo 'LABEL=mroot / ext4 noatime 0 1' >"$root/etc/fstab"
# Each machine's own id comes by the kernel's command line. Without one here, systemd takes every boot for the first.
echo lab | md5sum | cut -c1-32 >"$root/etc/machine-id"

mkdir -p "$root"/etc/ssh/sshd_config.d "$root"/etc/systemd/{system.conf.d,journald.conf.d,network}
cat >"$root/etc/ssh/sshd_config.d/lab.conf" <<'X'
UsePAM no
UseDNS no
X11Forwarding no
PrintMotd no
PasswordAuthentication no
HostKey /etc/ssh/ssh_host_ed25519_key
Ciphers aes128-gcm@openssh.com,chacha20-poly1305@openssh.com
KexAlgorithms curve25519-sha256
X
printf '[Journal]\nStorage=persistent\nRateLimitBurst=0\nSystemMaxUse=64M\n' >"$root/etc/systemd/journald.conf.d/lab.conf"
# Everything takes ten times as long without KVM.
printf '[Manager]\nDefaultTimeoutStartSec=600\nDefaultTimeoutStopSec=90\nDefaultDeviceTimeoutSec=600\n' \
    >"$root/etc/systemd/system.conf.d/lab.conf"
# eth0 has its address from `ip=` (systemd-network-generator); the others are a test's to configure.
printf '[Match]\nName=eth1 eth2\n[Link]\nUnmanaged=yes\n' >"$root/etc/systemd/network/10-lab.network"
mkdir -p "$root/etc/systemd/system/systemd-networkd-wait-online.service.d"
printf '[Service]\nExecStart=\nExecStart=/lib/systemd/systemd-networkd-wait-online --interface=eth0 --timeout=300\n' \
    >"$root/etc/systemd/system/systemd-networkd-wait-online.service.d/lab.conf"

# dm-event.socket and lvm2-monitor stay: else lvm starts dmeventd inside a unit that systemd kills.
ctl enable systemd-networkd systemd-network-generator systemd-networkd-wait-online ssh
ctl disable e2scrub_reap epmd.socket haproxy nginx redis-server dnsmasq \
    libvirt-guests libvirtd libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket virtlockd.socket virtlockd-admin.socket \
    virtlogd.socket virtlogd-admin.socket mdadm-shutdown multipathd nfs-blkmap nfs-server nfs-client.target rpcbind \
    rpcbind.socket open-iscsi iscsid.socket openvswitch-switch ovs-record-hostname rtslib-fb-targetctl tgt systemd-timesyncd \
    systemd-pstore uuidd.socket lvm2-lvmpolld.socket remote-fs.target machines.target apt-daily.timer apt-daily-upgrade.timer \
    dpkg-db-backup.timer e2scrub_all.timer fstrim.timer logrotate.timer getty@tty1
ctl mask systemd-binfmt.service proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount dev-hugepages.mount \
    dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount modprobe@drm.service modprobe@efi_pstore.service \
    systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-sysusers.service systemd-hwdb-update.service \
    ldconfig.service systemd-journal-catalog-update.service systemd-update-done.service systemd-machine-id-commit.service \
    systemd-firstboot.service systemd-ask-password-console.path systemd-ask-password-wall.path serial-getty@ttyS0.service \
    getty.target systemd-random-seed.service systemd-tmpfiles-clean.timer systemd-boot-system-token.service \
    first-boot-complete.target
chroot "$root" systemctl -q set-default multi-user.target
