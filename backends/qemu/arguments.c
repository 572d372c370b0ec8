/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/arguments.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/gotemplate.h"
#include "base/map.h"
#include "base/memory.h"

enum { MEMORY_LEAST_MB = 10, MEMORY_MB = 512 };

/* Switch -> its values (struct strings), in the order of their first mention; none: a bare switch. */
static void free_values(void *values)
{
	strings_clear(values);
	free(values);
}

static struct strings *values_of(struct map *switches, const char *name)
{
	struct strings *values = map_find(switches, name);

	if (!values) {
		values = memory_new(sizeof(*values));
		map_set(switches, name, values);
	}
	return values;
}

/* A comma in a value would end it. */
static char *escape(const char *path)
{
	size_t size;

	return text_replace(path, strlen(path), ",", ",,", &size);
}

/* ---- Packer's defaults ---- */

static void add_disk(const struct qemu_setup *setup, size_t index, struct map *switches)
{
	const struct qemu_options *options = setup->options;
	const char *format = setup->disk_format ? setup->disk_format : options->format;
	autofree char *path = escape(setup->disks->items[index]);
	CLEANUP(text_clear) struct text drive = {0};

	if (strcmp(options->disk_interface, "virtio-scsi") == 0) {
		strings_addf(values_of(switches, "-device"), "scsi-hd,bus=scsi0.0,drive=drive%zu",
			index);
		text_addf(&drive, "if=none,file=%s,id=drive%zu,cache=%s,discard=%s,format=%s", path,
			index, options->disk_cache, options->disk_discard, format);
	} else {
		text_addf(&drive, "file=%s,if=%s,cache=%s,discard=%s,format=%s", path,
			options->disk_interface, options->disk_cache, options->disk_discard,
			format);
	}
	if (strcmp(options->disk_detect_zeroes, "off") != 0)
		text_addf(&drive, ",detect-zeroes=%s", options->disk_detect_zeroes);
	strings_add(values_of(switches, "-drive"), text_get(&drive));
}

/* Their format is said: a file that were tried as every format could name other files of the host. */
static void add_cd(const struct qemu_setup *setup, size_t index, struct map *switches)
{
	const char *interface = setup->options->cdrom_interface;
	autofree char *path = escape(setup->cds->items[index]);
	struct strings *drives = values_of(switches, "-drive");

	if (!*interface) {
		strings_addf(drives, "file=%s,media=cdrom,format=raw", path);
	} else if (strcmp(interface, "virtio-scsi") == 0) {
		strings_add(values_of(switches, "-device"), "virtio-scsi-device");
		strings_addf(values_of(switches, "-device"), "scsi-cd,drive=cdrom%zu", index);
		strings_addf(drives, "file=%s,if=none,index=%zu,id=cdrom%zu,media=cdrom,format=raw",
			path, index, index);
	} else {
		strings_addf(drives, "file=%s,if=%s,index=%zu,id=cdrom%zu,media=cdrom,format=raw",
			path, interface, index, index);
	}
}

/* Two flash chips: the firmware, and the variables that it writes. */
static void add_firmware(const struct qemu_setup *setup, struct strings *drives)
{
	if (!setup->firmware_code)
		return;
	autofree char *code = escape(setup->firmware_code), *vars = escape(setup->firmware_vars);
	strings_addf(drives, "file=%s,if=pflash,unit=0,format=raw,readonly=on", code);
	strings_addf(drives, "file=%s,if=pflash,unit=1,format=raw", vars);
}

static void add_media(const struct qemu_setup *setup, struct map *switches)
{
	if (strcmp(setup->options->disk_interface, "virtio-scsi") == 0)
		strings_add(values_of(switches, "-device"), "virtio-scsi-pci,id=scsi0");
	for (size_t i = 0; i < setup->disks->count; i++)
		add_disk(setup, i, switches);
	for (size_t i = 0; setup->cds && i < setup->cds->count; i++)
		add_cd(setup, i, switches);
	add_firmware(setup, values_of(switches, "-drive"));
	if (setup->floppy)
		strings_add(values_of(switches, "-fda"), setup->floppy);
}

static void add_card(const struct qemu_setup *setup, struct strings *devices)
{
	strings_addf(devices, "%s,netdev=user.0%s%s", setup->options->net_device,
		setup->mac ? ",mac=" : "", setup->mac ? setup->mac : "");
}

static void add_network(const struct qemu_setup *setup, struct map *switches)
{
	CLEANUP(text_clear) struct text netdev = {0};

	if (*setup->options->net_bridge) {
		text_addf(&netdev, "bridge,id=user.0,br=%s", setup->options->net_bridge);
	} else if (setup->network_fd) {
		text_addf(&netdev, "socket,id=user.0,fd=%d", setup->network_fd);
	} else {
		text_add(&netdev, "user,id=user.0");
		if (setup->isolated)
			text_add(&netdev, ",restrict=on");
		if (setup->host_port)
			text_addf(&netdev, ",hostfwd=tcp:127.0.0.1:%d-:%d", setup->host_port,
				setup->guest_port);
	}
	strings_add(values_of(switches, "-netdev"), text_get(&netdev));
	add_card(setup, values_of(switches, "-device"));
}

/* Of what is not said there is one, but as many sockets as the rest leaves. */
static void add_processors(const struct qemu_options *options, struct map *switches)
{
	long long cores = options->cores ? options->cores : 1;
	long long threads = options->threads ? options->threads : 1;
	long long each = cores * threads;
	long long sockets = options->sockets ? options->sockets : (options->cpus + each - 1) / each;

	if (*options->cpu_model)
		strings_add(values_of(switches, "-cpu"), options->cpu_model);
	if (options->sockets || options->cores || options->threads)
		strings_addf(values_of(switches, "-smp"),
			"cpus=%lld,sockets=%lld,cores=%lld,threads=%lld", sockets * each, sockets,
			cores, threads);
	else if (options->cpus > 1)
		strings_addf(values_of(switches, "-smp"), "cpus=%lld,sockets=%lld",
			(long long)options->cpus, (long long)options->cpus);
}

static void add_machine(const struct qemu_setup *setup, struct map *switches)
{
	const struct qemu_options *options = setup->options;
	long long memory = options->memory_mb < MEMORY_LEAST_MB ? MEMORY_MB : options->memory_mb;

	strings_add(values_of(switches, "-name"), setup->vm_name);
	if (strcmp(setup->accelerator, "none") == 0)
		strings_addf(values_of(switches, "-machine"), "type=%s", options->machine_type);
	else
		strings_addf(values_of(switches, "-machine"), "type=%s,accel=%s",
			options->machine_type, setup->accelerator);
	strings_addf(values_of(switches, "-m"), "%lldM", memory);
	add_processors(options, switches);
	strings_add(values_of(switches, "-boot"),
		options->disk_image || setup->installed ? "c" : "once=d");
	strings_add(values_of(switches, "-display"), "none");
	if (setup->vnc)
		strings_addf(values_of(switches, "-vnc"), "%s%s", setup->vnc,
			options->vnc_use_password ? ",password=on" : "");
}

static void add_qmp(const struct qemu_setup *setup, struct map *switches)
{
	const struct qemu_options *options = setup->options;
	bool bridged = *options->net_bridge != '\0';

	if (!options->qmp_enable && !(setup->vnc && options->vnc_use_password) && !bridged)
		return;
	autofree char *path =
		*options->qmp_socket_path
			? memory_copy_text(options->qmp_socket_path)
			: memory_printf("%s/%s.monitor", setup->output_folder, setup->vm_name);
	autofree char *escaped = escape(path);
	strings_addf(values_of(switches, "-qmp"), "unix:%s,server,nowait", escaped);
}

/* ---- qemuargs ---- */

static struct json *data_of(const struct qemu_setup *setup)
{
	struct json *data = json_new_object();

	json_set_text(data, "HTTPIP", setup->http_ip ? setup->http_ip : "");
	json_set_integer(data, "HTTPPort", setup->http_port);
	json_set_text(data, "HTTPDir", setup->http_folder ? setup->http_folder : "");
	json_set_text(data, "OutputDir", setup->output_folder);
	json_set_text(data, "Name", setup->vm_name);
	json_set_integer(data, "SSHHostPort", setup->host_port);
	if (setup->public_key)
		json_set_text(data, "SSHPublicKey", setup->public_key);
	return data;
}

/* The rows of the template: values of one switch in their order, an empty one adds none. */
static int read_rows(const struct qemu_setup *setup, struct map *given, struct error *err)
{
	const struct json *rows = setup->options->arguments;
	autojson struct json *data = data_of(setup);

	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *row = json_item(rows, i);
		CLEANUP(text_clear) struct text name = {0}, value = {0};
		if (gotemplate_render_late(
			    json_text(json_item(row, 0), ""), data, true, &name, err) < 0)
			return fail_while(err, "qemuargs: row %zu", i + 1);
		for (size_t part = 1; part < json_count(row); part++)
			if (gotemplate_render_late(json_text(json_item(row, part), ""), data, true,
				    &value, err) < 0)
				return fail_while(err, "qemuargs: row %zu", i + 1);
		struct strings *values = values_of(given, text_get(&name));
		if (value.size)
			strings_add(values, text_get(&value));
	}
	return 0;
}

/* What the template gives stands in place of all that is default of that switch. */
static void merge(struct map *defaults, const struct map *given)
{
	map_each (entry, given) {
		struct strings *values = memory_new(sizeof(*values));
		strings_add_all(values, entry->value);
		map_set(defaults, entry->key, values);
	}
}

/* A machine whose devices are the template's own keeps its network card. */
static void keep_network(const struct qemu_setup *setup, struct map *switches)
{
	struct strings *devices = map_find(switches, "-device");
	autofree char *all = devices ? strings_join(devices, "") : NULL;

	if (all && !strstr(all, setup->options->net_device))
		add_card(setup, devices);
}

static void flatten(const struct map *switches, struct strings *arguments)
{
	map_each (entry, switches) {
		const struct strings *values = entry->value;
		if (!values->count)
			strings_add(arguments, entry->key);
		strings_each (value, values) {
			strings_add(arguments, entry->key);
			strings_add(arguments, value);
		}
	}
}

/* ---- what is kiln's own ---- */

static bool is_given(const struct map *given, const char *name)
{
	return map_find_place(given, name) != NULL;
}

/*
 * The control channel is a connected socket that QEMU inherits: no name of it lies about. The first serial port, which a PC has in
 * any case, writes into memory of QEMU's, for when something goes wrong.
 */
static void add_own(
	const struct qemu_setup *setup, const struct map *given, struct strings *arguments)
{
	if (setup->rekeyed) {
		strings_add(arguments, "-device");
		strings_add(arguments, "vmgenid,guid=auto");
	}
	if (setup->waits) {
		strings_add(arguments, "-incoming");
		strings_add(arguments, "defer");
	}
	strings_add(arguments, "-chardev");
	strings_addf(arguments, "socket,id=kiln-qmp,fd=%d", setup->qmp_fd);
	strings_add(arguments, "-mon");
	strings_add(arguments, "chardev=kiln-qmp,mode=control");
	if (!is_given(given, "-serial") && !is_given(given, "-nographic") &&
		!is_given(given, "-nodefaults")) {
		strings_add(arguments, "-chardev");
		strings_add(arguments, "ringbuf,id=" QEMU_SERIAL_RING ",size=65536");
		strings_add(arguments, "-serial");
		strings_add(arguments, "chardev:" QEMU_SERIAL_RING);
	}
	if (!is_given(given, "-sandbox") && !is_given(given, "-runas") &&
		!*setup->options->net_bridge) {
		strings_add(arguments, "-sandbox");
		strings_add(arguments, "on,obsolete=deny,elevateprivileges=deny,spawn=deny");
	}
}

int qemu_arguments_make(
	const struct qemu_setup *setup, struct strings *arguments, struct error *err)
{
	CLEANUP(map_clear) struct map switches = {.free_value = free_values};
	CLEANUP(map_clear) struct map given = {.free_value = free_values};

	add_machine(setup, &switches);
	add_network(setup, &switches);
	add_media(setup, &switches);
	add_qmp(setup, &switches);
	if (read_rows(setup, &given, err) < 0)
		return -1;
	merge(&switches, &given);
	if (json_count(setup->options->arguments))
		keep_network(setup, &switches);
	strings_add(arguments, setup->options->qemu_binary);
	flatten(&switches, arguments);
	add_own(setup, &given, arguments);
	return 0;
}
