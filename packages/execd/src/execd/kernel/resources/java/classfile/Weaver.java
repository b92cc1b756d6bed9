package execd.worker;

import java.io.ByteArrayInputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Label;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Puts questions whether to go on into users' classes, and our own in the place of calls that start programs. */
final class Weaver {
    private static final ClassDesc STOPS = ClassDesc.ofInternalName(Calls.STOPS);
    private static final ClassDesc OURS = ClassDesc.ofInternalName(Calls.OURS);

    private Weaver() {}

    /** Returns a class, woven; others of the same batch, and a loader, are there to look types up. */
    static byte[] woven(byte[] original, Map<String, byte[]> others, ClassLoader loader) {
        // Code that grows needs its stack maps anew, and these the supertypes of users' classes.
        ClassHierarchyResolver types = ClassHierarchyResolver.ofResourceParsing((ClassDesc type) -> {
            String text = type.descriptorString();
            byte[] found = others.get(text.substring(1, text.length() - 1).replace('/', '.'));
            return found == null ? null : new ByteArrayInputStream(found);
        }).orElse(ClassHierarchyResolver.ofClassLoading(loader)).orElse(ClassHierarchyResolver.defaultResolver());
        ClassFile file = ClassFile.of(ClassFile.ClassHierarchyResolverOption.of(types));
        return file.transformClass(file.parse(original),
                ClassTransform.transformingMethodBodies(CodeTransform.ofStateful(Method::new)));
    }

    private static final class Method implements CodeTransform {
        private final Set<Label> passed = new HashSet<>();

        @Override
        public void atStart(CodeBuilder code) {
            code.invokestatic(STOPS, "check", ConstantDescs.MTD_void);
        }

        @Override
        public void accept(CodeBuilder code, CodeElement element) {
            if (element instanceof LabelTarget target) {
                passed.add(target.label());
            } else if (element instanceof BranchInstruction jump && passed.contains(jump.target())) {
                code.invokestatic(STOPS, "check", ConstantDescs.MTD_void);
            } else if (element instanceof InvokeInstruction call && call.opcode() == Opcode.INVOKEVIRTUAL) {
                String name = call.name().stringValue();
                String put = Calls.instead(call.owner().asInternalName(), name, call.type().stringValue());
                if (put != null) {
                    code.invokestatic(OURS, name, MethodTypeDesc.ofDescriptor(put));
                    return;
                }
            }
            code.with(element);
        }
    }
}
