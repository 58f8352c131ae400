/*
 * A PKCS#11 module around another one, that fails on command: for tests of what a vendor's library may do.
 *
 * FAULTY_MODULE_TARGET names the module that does the work. FAULTY_MODULE_ORDER names a file with the order of the hour:
 *   crash FUNCTION      the process ends by a signal
 *   hang FUNCTION       the call never returns
 *   nonsense FUNCTION   the call answers a return value that PKCS#11 does not have
 * with FUNCTION one of those below. Without the file, or with an empty one, every call is passed on.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long CK_RV;
typedef CK_RV (*function)(void *, void *, void *, void *, void *, void *);

#define CKR_GENERAL_ERROR 5UL
#define NO_SUCH_RETURN_VALUE 0x7ffffff0UL
#define FUNCTION_COUNT 68

/* PKCS#11 2.40, CK_FUNCTION_LIST: a version, then the functions in the order of the standard. */
struct function_list {
    unsigned char version[2];
    function functions[FUNCTION_COUNT];
};

enum { C_INITIALIZE = 0, C_OPEN_SESSION = 12, C_LOGIN = 18, C_FIND_OBJECTS = 27, C_ENCRYPT = 30, C_DECRYPT = 34, C_GENERATE_RANDOM = 64 };

static struct function_list target, wrapper;

static int ordered(const char *fault, const char *name) {
    char order[64] = "", wanted[64];
    const char *path = getenv("FAULTY_MODULE_ORDER");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file) return 0;
    if (!fgets(order, sizeof order, file)) order[0] = 0;
    fclose(file);
    order[strcspn(order, "\n")] = 0;
    snprintf(wanted, sizeof wanted, "%s %s", fault, name);
    return strcmp(order, wanted) == 0;
}

static CK_RV call(int index, const char *name, void *a, void *b, void *c, void *d, void *e, void *f) {
    if (ordered("crash", name)) abort();
    while (ordered("hang", name)) pause();
    if (ordered("nonsense", name)) return NO_SUCH_RETURN_VALUE;
    return target.functions[index](a, b, c, d, e, f);
}

#define WRAP(index, name) \
    static CK_RV name(void *a, void *b, void *c, void *d, void *e, void *f) { return call(index, #name, a, b, c, d, e, f); }

WRAP(C_INITIALIZE, C_Initialize)
WRAP(C_OPEN_SESSION, C_OpenSession)
WRAP(C_LOGIN, C_Login)
WRAP(C_FIND_OBJECTS, C_FindObjects)
WRAP(C_ENCRYPT, C_Encrypt)
WRAP(C_DECRYPT, C_Decrypt)
WRAP(C_GENERATE_RANDOM, C_GenerateRandom)

CK_RV C_GetFunctionList(struct function_list **list) {
    const char *path = getenv("FAULTY_MODULE_TARGET");
    void *module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_RV (*get)(struct function_list **) = module ? dlsym(module, "C_GetFunctionList") : NULL;
    struct function_list *found;
    if (!get || get(&found) != 0) return CKR_GENERAL_ERROR;
    target = wrapper = *found;
    wrapper.functions[C_INITIALIZE] = C_Initialize;
    wrapper.functions[C_OPEN_SESSION] = C_OpenSession;
    wrapper.functions[C_LOGIN] = C_Login;
    wrapper.functions[C_FIND_OBJECTS] = C_FindObjects;
    wrapper.functions[C_ENCRYPT] = C_Encrypt;
    wrapper.functions[C_DECRYPT] = C_Decrypt;
    wrapper.functions[C_GENERATE_RANDOM] = C_GenerateRandom;
    *list = &wrapper;
    return 0;
}
