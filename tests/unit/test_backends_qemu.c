/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's argument list, and which of its switches are harmless. */
#include "backends/plugins/all.h"
#include "backends/plugins/qemu_switches.h"
#include "backends/qemu/arguments.h"

#include "tests/unit/check.h"

/* What every list ends in. */
#define OWN                                                                              \
	" -chardev socket,id=kiln-qmp,fd=3 -mon chardev=kiln-qmp,mode=control -chardev " \
	"ringbuf,id=kiln-serial,size=65536 -serial chardev:kiln-serial -sandbox "        \
	"on,obsolete=deny,elevateprivileges=deny,spawn=deny"
#define OWN_WITHOUT_SERIAL                                                               \
	" -chardev socket,id=kiln-qmp,fd=3 -mon chardev=kiln-qmp,mode=control -sandbox " \
	"on,obsolete=deny,elevateprivileges=deny,spawn=deny"
#define DISK "file=out/vm,if=virtio,cache=writeback,discard=ignore,format=qcow2"
#define BEGIN                                                                                   \
	"qemu-system-x86_64 -name vm -machine type=pc,accel=tcg -m 512M -boot once=d -display " \
	"none"
#define NET \
	" -netdev user,id=user.0,hostfwd=tcp:127.0.0.1:2222-:22 -device virtio-net,netdev=user.0"

/* MORE: further options, of those that are shown in the list. */
static const struct {
	const char *options, *list;
} cases[] = {
	{"{}", BEGIN NET " -drive " DISK " -drive file=/iso,,1,media=cdrom,format=raw" OWN},
	{"{\"disk_image\":true,\"memory\":9,\"cpus\":4,\"accelerator\":\"none\"}",
		"qemu-system-x86_64 -name vm -machine type=pc -m 512M -smp cpus=4,sockets=4 -boot "
		"c "
		"-display none" NET " -drive " DISK OWN},
	{"{\"disk_image\":true,\"memory\":2048,\"machine_type\":\"q35\",\"net_device\":\"e1000\"}",
		"qemu-system-x86_64 -name vm -machine type=q35,accel=tcg -m 2048M -boot c "
		"-display none "
		"-netdev user,id=user.0,hostfwd=tcp:127.0.0.1:2222-:22 -device e1000,netdev=user.0 "
		"-drive " DISK OWN},
	{"{\"disk_image\":true,\"disk_interface\":\"virtio-scsi\",\"disk_detect_zeroes\":\"unmap\","
	 "\"disk_discard\":\"unmap\",\"disk_cache\":\"none\",\"format\":\"raw\"}",
		"qemu-system-x86_64 -name vm -machine type=pc,accel=tcg -m 512M -boot c "
		"-display none "
		"-netdev user,id=user.0,hostfwd=tcp:127.0.0.1:2222-:22 -device "
		"virtio-net,netdev=user.0 "
		"-device virtio-scsi-pci,id=scsi0 -device scsi-hd,bus=scsi0.0,drive=drive0 -drive "
		"if=none,file=out/"
		"vm,id=drive0,cache=none,discard=unmap,format=raw,detect-zeroes=unmap" OWN},
	{"{\"cdrom_interface\":\"ide\",\"net_bridge\":\"br0\"}", BEGIN
		" -netdev bridge,id=user.0,br=br0 -device virtio-net,netdev=user.0 -drive " DISK
		" -drive file=/iso,,1,if=ide,index=0,id=cdrom0,media=cdrom,format=raw -qmp "
		"unix:out/vm.monitor,server,nowait -chardev socket,id=kiln-qmp,fd=3 -mon "
		"chardev=kiln-qmp,mode=control -chardev ringbuf,id=kiln-serial,size=65536 -serial "
		"chardev:kiln-serial"},
	/* a switch of the template's takes the place of all of that name */
	{"{\"qemuargs\":[[\"-m\",\"1G\"],[\"-smp\",\"2\"],[\"-drive\",\"file=a\"],[\"-drive\","
	 "\"file=b\"]]}",
		"qemu-system-x86_64 -name vm -machine type=pc,accel=tcg -m 1G -boot once=d "
		"-display none" NET " -drive file=a -drive file=b -smp 2" OWN},
	/* the network card stays, unless the devices have one */
	{"{\"disk_image\":true,\"qemuargs\":[[\"-device\",\"virtio-rng-pci\"]]}",
		"qemu-system-x86_64 -name vm -machine type=pc,accel=tcg -m 512M -boot c "
		"-display none "
		"-netdev user,id=user.0,hostfwd=tcp:127.0.0.1:2222-:22 -device virtio-rng-pci "
		"-device "
		"virtio-net,netdev=user.0 -drive " DISK OWN},
	{"{\"disk_image\":true,\"qemuargs\":[[\"-device\",\"virtio-net-pci,netdev=user.0,mac=1\"]]"
	 "}",
		"qemu-system-x86_64 -name vm -machine type=pc,accel=tcg -m 512M -boot c "
		"-display none "
		"-netdev user,id=user.0,hostfwd=tcp:127.0.0.1:2222-:22 -device "
		"virtio-net-pci,netdev=user.0,mac=1 -drive " DISK OWN},
	/* strings of a row are put together; an empty one is a bare switch; fields are filled in */
	{"{\"disk_image\":true,\"qemuargs\":[[\"-nographic\",\"\"],[\"-name\",\"{{ .Name "
	 "}}\",\"-{{.SSHHostPort}}\"],"
	 "[\"--display\",\"sdl\"],[\"-no-reboot\"]]}",
		"qemu-system-x86_64 -name vm-2222 -machine type=pc,accel=tcg -m 512M -boot c "
		"-display "
		"none" NET " -drive " DISK
		" -nographic --display sdl -no-reboot" OWN_WITHOUT_SERIAL},
	{"{\"disk_image\":true,\"qemuargs\":[[\"-x\",\"{{.OutputDir}}:{{.HTTPIP}}:{{.HTTPPort}}:{{."
	 "HTTPDir}}\"]]}",
		"qemu-system-x86_64 -name vm -machine type=pc,accel=tcg -m 512M -boot c "
		"-display none" NET " -drive " DISK " -x out:10.0.2.2:8001:http" OWN},
};

/* NETWORK_FD: as struct qemu_setup has it. */
static void makes_with(const char *text, int network_fd, const char *wanted)
{
	const struct plugin *plugin = &plugin_builder_qemu;
	CLEANUP(strings_clear) struct strings disks = {0}, cds = {0}, list = {0};
	autojson struct json *json = NULL;
	struct qemu_options options;
	struct error err = {0};

	json_parse_bytes(text, strlen(text), &json, &err);
	plugin_each_option(option, plugin)
	{
		if (!option->fallback || json_has(json, option->name))
			continue;
		if (option->type == OPTION_TEXT)
			json_set_text(json, option->name, option->fallback);
		else
			json_set_integer(json, option->name, strtoll(option->fallback, NULL, 10));
	}
	options_decode(plugin, json, &options);
	strings_add(&disks, "out/vm");
	if (!options.disk_image)
		strings_add(&cds, "/iso,1");
	struct qemu_setup setup = {.options = &options,
		.vm_name = "vm",
		.output_folder = "out",
		.accelerator = *options.accelerator ? options.accelerator : "tcg",
		.disks = &disks,
		.disk_format = options.format,
		.cds = &cds,
		.host_port = 2222,
		.guest_port = 22,
		.http_ip = "10.0.2.2",
		.http_folder = "http",
		.http_port = 8001,
		.isolated = network_fd != 0,
		.network_fd = network_fd,
		.qmp_fd = 3};
	int result = qemu_arguments_make(&setup, &list, &err);
	autofree char *line = strings_join(&list, " ");
	CHECK_TEXT(result == 0 ? line : err.text, wanted, "%s", text);
}

static void makes(const char *text, const char *wanted)
{
	makes_with(text, 0, wanted);
}

/* The firmware and its variables; a comma of a path is none of QEMU's. */
static void makes_by_uefi(void)
{
	CLEANUP(strings_clear) struct strings disks = {0}, list = {0};
	struct qemu_options options = {.machine_type = "q35",
		.net_device = "e1000",
		.net_bridge = "",
		.cpu_model = "",
		.disk_interface = "ide",
		.cdrom_interface = "",
		.qemu_binary = "qemu",
		.disk_image = true};
	struct error err = {0};
	struct qemu_setup setup = {.options = &options,
		.vm_name = "vm",
		.accelerator = "tcg",
		.disks = &disks,
		.firmware_code = "/code,fd",
		.firmware_vars = "/vars.fd",
		.mac = "52:54:00:01:02:03",
		.qmp_fd = 3};
	int result = qemu_arguments_make(&setup, &list, &err);
	autofree char *line = strings_join(&list, " ");

	CHECK_TEXT(result == 0 ? line : err.text,
		"qemu -name vm -machine type=q35,accel=tcg -m 512M -boot c -display none -netdev "
		"user,id=user.0 -device e1000,netdev=user.0,mac=52:54:00:01:02:03 -drive "
		"file=/code,,fd,if=pflash,unit=0,format=raw,readonly=on -drive "
		"file=/vars.fd,if=pflash,unit=1,format=raw" OWN,
		"UEFI");
}

static const struct {
	const char *name, *value;
	bool harmless;
} switches[] = {
	{"-m", "2G", true},
	{"-m", "size=1G,slots=2,maxmem=2G", true},
	{"--smp", "cpus=2,sockets=1", true},
	{"-cpu", "host,+vmx,hv-vendor-id=x", true},
	{"-rtc", "base=2020-01-01T00:00:00,clock=vm", true},
	{"-boot", "once=d,menu=on", true},
	{"-boot", "menu=on,splash=/etc/passwd", false},
	{"-machine", "type=q35,accel=kvm,smm=on", true},
	{"-machine", "q35,kernel=/etc/passwd", false},
	{"-machine", "dumpdtb=/tmp/x", false},
	{"-device", "virtio-rng-pci,max-bytes=1024,period=1000", true},
	{"-device", "virtio-net,netdev=user.0,mac=52:54:00:12:34:56", true},
	{"-device", "virtio-net,romfile=/etc/passwd", false},
	{"-device", "vfio-pci,host=01:00.0", false},
	{"-device", "driver=virtio-rng-pci", false},
	{"-device", "{\"driver\":\"vfio-pci\"}", false},
	{"-device", "", false},
	{"-vga", "std", true},
	{"-display", "none", true},
	{"-display", "vnc=0.0.0.0:1", false},
	{"-nographic", "", true},
	{"-serial", "none", true},
	{"-serial", "file:/tmp/x", false},
	{"-serial", "mon:stdio", false},
	{"-monitor", "unix:/tmp/x,server", false},
	{"-drive", "file=/etc/passwd,format=raw", false},
	{"-netdev", "user,id=user.0,smb=/", false},
	{"-kernel", "/boot/vmlinuz", false},
	{"-bios", "OVMF.fd", false},
	{"-fw_cfg", "name=x,file=/etc/passwd", false},
	{"-smbios", "file=/etc/passwd", false},
	{"-chardev", "socket,path=/x,id=a", false},
	{"-readconfig", "/etc/passwd", false},
	{"-run-with", "chroot=/", false},
	{"disk.img", "", false},
	{"", "", false},
	{"-m", "{{.Name}}", false},
	{"-name", "a b", false},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		makes(cases[i].options, cases[i].list);
	makes_with("{\"disk_image\":true}", 4,
		"qemu-system-x86_64 -name vm -machine type=pc,accel=tcg -m 512M -boot c -display "
		"none -netdev socket,id=user.0,fd=4 -device virtio-net,netdev=user.0 -drive " DISK
			OWN);
	makes("{\"disk_image\":true,\"cores\":2,\"threads\":2,\"cpus\":6,\"cpu_model\":\"max\"}",
		"qemu-system-x86_64 -name vm -machine type=pc,accel=tcg -m 512M -cpu max -smp "
		"cpus=8,sockets=2,cores=2,threads=2 -boot c -display none" NET " -drive " DISK OWN);
	makes_by_uefi();
	makes("{\"qemuargs\":[[\"-x\",\"{{.Nope}}\"]]}",
		"qemuargs: row 1: there is no field .Nope here");
	for (size_t i = 0; i < sizeof(switches) / sizeof(*switches); i++)
		CHECK(qemu_switch_is_harmless(switches[i].name, switches[i].value) ==
				switches[i].harmless,
			"%s %s is %s", switches[i].name, switches[i].value,
			switches[i].harmless ? "harmless" : "a matter of power");
	return check_done();
}
