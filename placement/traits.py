"""Names of traits and resource classes. Source: os-traits and os-resource-classes, those that hosts here can have."""

import re

STANDARD = frozenset(
    {
        "COMPUTE_NODE",
        "COMPUTE_DEVICE_TAGGING",
        "COMPUTE_EXTEND_VOLUME",
        "COMPUTE_IMAGE_TYPE_AKI",
        "COMPUTE_IMAGE_TYPE_AMI",
        "COMPUTE_IMAGE_TYPE_ARI",
        "COMPUTE_IMAGE_TYPE_ISO",
        "COMPUTE_IMAGE_TYPE_QCOW2",
        "COMPUTE_IMAGE_TYPE_RAW",
        "COMPUTE_NET_ATTACH_INTERFACE",
        "COMPUTE_STATUS_DISABLED",
        "COMPUTE_VOLUME_ATTACH",
        "HW_ARCH_AARCH64",
        "HW_ARCH_X86_64",
        "HW_CPU_X86_AVX",
        "HW_CPU_X86_AVX2",
        "HW_CPU_X86_SSE",
        "HW_CPU_X86_SSE2",
        "HW_CPU_X86_VMX",
        "MISC_SHARES_VIA_AGGREGATE",
        "STORAGE_DISK_SSD",
    }
)
CUSTOM = re.compile(r"^CUSTOM_[A-Z0-9_]{1,248}\Z")
NAME = re.compile(r"^[A-Z0-9_]{1,255}\Z")

RESOURCE_CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB", "PCPU", "IPV4_ADDRESS", "VGPU", "NET_BW_EGR_KILOBIT_PER_SEC")
