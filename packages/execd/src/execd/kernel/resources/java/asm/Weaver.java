package execd.worker;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import jdk.internal.org.objectweb.asm.ClassReader;
import jdk.internal.org.objectweb.asm.ClassVisitor;
import jdk.internal.org.objectweb.asm.ClassWriter;
import jdk.internal.org.objectweb.asm.Label;
import jdk.internal.org.objectweb.asm.MethodVisitor;
import jdk.internal.org.objectweb.asm.Opcodes;

/** Puts questions whether to go on into users' classes, and our own in the place of calls that start programs. */
final class Weaver {
    private static final int API = newest();

    private Weaver() {}

    /** Returns a class, woven; others of the same batch, and a loader, are there to look types up. */
    static byte[] woven(byte[] original, Map<String, byte[]> others, ClassLoader loader) {
        ClassReader reader = new ClassReader(original);
        ClassWriter writer = new ClassWriter(0);
        reader.accept(new ClassVisitor(API, writer) {
            @Override
            public MethodVisitor visitMethod(int access, String name, String type, String generic, String[] thrown) {
                return new Method(super.visitMethod(access, name, type, generic, thrown));
            }
        }, 0);
        return writer.toByteArray();
    }

    // Which there is differs from version to version, and records are unknown to the oldest.
    private static int newest() {
        for (String name : List.of("ASM9", "ASM8", "ASM7", "ASM7_EXPERIMENTAL")) {
            try {
                return Opcodes.class.getField(name).getInt(null);
            } catch (ReflectiveOperationException error) {
                // An older one, then.
            }
        }
        return Opcodes.ASM6;
    }

    private static final class Method extends MethodVisitor {
        private final Set<Label> passed = new HashSet<>();

        Method(MethodVisitor next) {
            super(API, next);
        }

        @Override
        public void visitCode() {
            super.visitCode();
            ask();
        }

        @Override
        public void visitLabel(Label label) {
            passed.add(label);
            super.visitLabel(label);
        }

        @Override
        public void visitJumpInsn(int code, Label label) {
            if (passed.contains(label)) {
                ask();
            }
            super.visitJumpInsn(code, label);
        }

        @Override
        public void visitMethodInsn(int code, String owner, String name, String type, boolean ofInterface) {
            String put = Calls.instead(owner, name, type);
            if (put == null || code != Opcodes.INVOKEVIRTUAL) {
                super.visitMethodInsn(code, owner, name, type, ofInterface);
            } else {
                super.visitMethodInsn(Opcodes.INVOKESTATIC, Calls.OURS, name, put, false);
            }
        }

        private void ask() {
            super.visitMethodInsn(Opcodes.INVOKESTATIC, Calls.STOPS, "check", "()V", false);
        }
    }
}
