/*
 * The program that talks to every driver of the witness. It installs and starts the driver that its
 * argument names, sends the same requests to each, and prints what came of them; then it stops it.
 * Lines that begin with # are about that and are not compared.
 */
#include <stdio.h>
#include <string.h>
#include <windows.h>
#include <winioctl.h>

static void Show(const char *what, BOOL done, DWORD count, const BYTE *bytes, DWORD size)
{
    DWORD error = done ? 0 : GetLastError(), i;
    printf("%s: %d error %lu count %lu", what, done ? 1 : 0, error, count);
    if (size) printf(" bytes ");
    for (i = 0; i < size; i++) printf("%02x", bytes[i]);
    printf("\n");
}

static void Control(HANDLE device, const char *what, DWORD function, DWORD method, DWORD in, DWORD out)
{
    BYTE input[16], output[16];
    DWORD count = 0, code = CTL_CODE(FILE_DEVICE_UNKNOWN, function, method, FILE_ANY_ACCESS);
    BOOL done;

    memcpy(input, "ping-pong-abcdef", 16);
    memset(output, 0x2e, 16);
    SetLastError(0);
    done = DeviceIoControl(device, code, input, in, output, out, &count, NULL);
    Show(what, done, count, output, 16);
}

static void Talk(void)
{
    BYTE buffer[8];
    DWORD count = 0;
    BOOL done;
    HANDLE other, device = CreateFileA("\\\\.\\Witness", GENERIC_READ | GENERIC_WRITE, 0, NULL,
                                       OPEN_EXISTING, 0, NULL);

    printf("open: %d\n", device != INVALID_HANDLE_VALUE ? 1 : 0);
    Control(device, "800", 0x800, METHOD_BUFFERED, 9, 16);
    Control(device, "801", 0x801, METHOD_BUFFERED, 9, 16);
    Control(device, "802", 0x802, METHOD_BUFFERED, 9, 16);
    Control(device, "803", 0x803, METHOD_BUFFERED, 4, 8);
    Control(device, "804", 0x804, METHOD_BUFFERED, 0, 0);
    Control(device, "805 in direct", 0x805, METHOD_IN_DIRECT, 4, 8);
    Control(device, "806 out direct", 0x806, METHOD_OUT_DIRECT, 4, 8);
    Control(device, "807 neither", 0x807, METHOD_NEITHER, 4, 8);
    memset(buffer, 0x2e, 8);
    SetLastError(0);
    done = ReadFile(device, buffer, 8, &count, NULL);
    Show("read", done, count, buffer, 8);
    memcpy(buffer, "write me", 8);
    count = 0;
    SetLastError(0);
    done = WriteFile(device, buffer, 8, &count, NULL);
    Show("write", done, count, buffer, 0);
    other = CreateFileA("\\\\.\\Witness\\a\\b", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    printf("open below: %d\n", other != INVALID_HANDLE_VALUE ? 1 : 0);
    CloseHandle(other);
    CloseHandle(device);
}

int main(int argc, char **argv)
{
    SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ALL_ACCESS), service;
    SERVICE_STATUS state;
    char path[MAX_PATH];
    BOOL started;

    if (argc < 2 || !GetFullPathNameA(argv[1], MAX_PATH, path, NULL)) return 2;
    service = CreateServiceA(manager, "Witness", NULL, SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER,
                             SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, path, NULL, NULL, NULL, NULL,
                             NULL);
    started = StartServiceA(service, 0, NULL);
    printf("# start %d %lu\n", started, started ? 0 : GetLastError());
    if (started) Talk();
    printf("# stop %d\n", ControlService(service, SERVICE_CONTROL_STOP, &state));
    DeleteService(service);
    CloseServiceHandle(service);
    CloseServiceHandle(manager);
    fflush(stdout);
    return started ? 0 : 1;
}
