/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/qemu_switches.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "base/text.h"

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-"
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/*
 * FIRSTS: what the first part of the value may be, NULL: any word. KEYS: the properties that may stand in it, NULL: any, with
 * any value, for switches that know no dangerous ones.
 */
struct rule {
	const char *name;
	const char *const *firsts, *const *keys;
};

static const char *const no_keys[] = {NULL};
static const char *const only_none[] = {"none", NULL};
static const char *const device_keys[] = {"id", "bus", "addr", "port", "ports", "guid", "max-bytes",
	"period", "multifunction", "netdev", "mac", "drive", "bootindex", "serial", "unit",
	"iobase", "iosize", "events", NULL};
/* of the others some open files of the host, and each may have a romfile */
static const char *const devices[] = {"virtio-rng-pci", "virtio-rng", "virtio-balloon-pci",
	"virtio-balloon", "virtio-keyboard-pci", "virtio-mouse-pci", "virtio-tablet-pci", "usb-kbd",
	"usb-mouse", "usb-tablet", "qemu-xhci", "nec-usb-xhci", "usb-ehci", "piix3-usb-uhci",
	"ich9-usb-ehci1", "ich9-usb-uhci1", "vmgenid", "pvpanic", "isa-debug-exit", "virtio-net",
	"virtio-net-pci", "e1000", "e1000e", "rtl8139", "virtio-scsi-pci", "VGA", "virtio-vga",
	"cirrus-vga", NULL};

static const struct rule rules[] = {
	{"-m", NULL, LIST("size", "slots", "maxmem")},
	{"-smp", NULL, LIST("cpus", "maxcpus", "sockets", "dies", "clusters", "cores", "threads")},
	{"-cpu", NULL, NULL},
	{"-name", NULL, LIST("guest", "debug-threads", "process")},
	{"-uuid", NULL, no_keys},
	{"-rtc", NULL, LIST("base", "clock", "driftfix")},
	{"-boot", NULL, LIST("order", "once", "menu", "splash-time", "reboot-timeout", "strict")},
	{"-machine", NULL,
		LIST("type", "accel", "smm", "vmport", "usb", "hpet", "acpi", "graphics",
			"kernel_irqchip", "pit", "i8042")},
	{"-M", NULL,
		LIST("type", "accel", "smm", "vmport", "usb", "hpet", "acpi", "graphics",
			"kernel_irqchip", "pit", "i8042")},
	{"-accel", LIST("kvm", "tcg"), LIST("thread", "tb-size", "kernel-irqchip")},
	{"-enable-kvm", LIST(""), no_keys},
	{"-device", devices, device_keys},
	{"-vga", NULL, no_keys},
	{"-display", only_none, no_keys},
	{"-nographic", LIST(""), no_keys},
	{"-k", LIST("en-us"), no_keys},
	{"-usb", LIST(""), no_keys},
	{"-usbdevice", LIST("tablet", "keyboard", "mouse"), no_keys},
	{"-serial", LIST("none", "null"), no_keys},
	{"-parallel", LIST("none", "null"), no_keys},
	{"-monitor", only_none, no_keys},
	{"-vnc", only_none, no_keys},
	{"-no-acpi", LIST(""), no_keys},
	{"-no-hpet", LIST(""), no_keys},
	{"-no-fd-bootchk", LIST(""), no_keys},
	{"-no-reboot", LIST(""), no_keys},
	{"-no-user-config", LIST(""), no_keys},
	{"-nodefaults", LIST(""), no_keys},
};

static bool is_listed(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}

static bool is_word(const char *text)
{
	return text[strspn(text, WORD)] == '\0';
}

static bool is_harmless_part(const struct rule *rule, const char *part, bool first)
{
	const char *equals = strchr(part, '=');

	if (!equals)
		return is_word(part) && (!first || !rule->firsts || is_listed(part, rule->firsts));
	autofree char *key = strndup(part, equals - part);
	if (first && rule->firsts)
		return false;
	return (rule->keys ? is_listed(key, rule->keys) : is_word(key)) &&
	       equals[1 + strspn(equals + 1, WORD ":")] == '\0';
}

bool qemu_switch_is_harmless(const char *name, const char *value)
{
	if (name[0] == '-' && name[1] == '-')
		name++;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		CLEANUP(strings_clear) struct strings parts = {0};
		bool harmless = true;
		if (strcmp(rules[i].name, name) != 0)
			continue;
		strings_split(&parts, value, ',');
		for (size_t part = 0; part < parts.count; part++)
			harmless = harmless &&
			           is_harmless_part(&rules[i], parts.items[part], part == 0);
		return harmless;
	}
	return false;
}

static void join_values(const struct json *row, struct text *value)
{
	for (size_t i = 1; i < json_count(row); i++)
		text_add(value, json_text(json_item(row, i), ""));
}

bool qemu_arguments_are_harmless(const struct json *rows)
{
	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *row = json_item(rows, i);
		CLEANUP(text_clear) struct text value = {0};
		join_values(row, &value);
		if (!qemu_switch_is_harmless(json_text(json_item(row, 0), ""), text_get(&value)))
			return false;
	}
	return true;
}

bool qemu_word_is_harmless(const struct json *text)
{
	return is_word(json_text(text, ""));
}

bool qemu_program_is_harmless(const struct json *text)
{
	const char *program = json_text(text, "");

	return text_starts_with(program, "qemu-system-") && is_word(program);
}

int qemu_arguments_check(const struct json *rows, struct error *err)
{
	for (size_t i = 0; i < json_count(rows); i++) {
		const char *name = json_text(json_item(json_item(rows, i), 0), "");
		if (!*name)
			return fail(err, ERROR_CATALOG,
				"qemuargs: row %zu names no switch: it is written [\"-smp\", "
				"\"2\"]",
				i + 1);
	}
	return 0;
}
