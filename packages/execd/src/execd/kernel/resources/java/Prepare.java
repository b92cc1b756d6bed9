import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Makes the worker for the java that runs this: {@code compile SOURCES DIRECTORY}, then {@code archive DIRECTORY}.
 *
 * <p>The second has to run where the worker will stay, since an archive of classes knows the path of its jar. It leaves
 * the file {@code options} last, with all that java is to be started with.
 */
public final class Prepare {
    private static final int FEATURE = Runtime.version().feature();
    private static final int FIRST_WITH_ARCHIVE = 13;
    private static final int FIRST_WITH_CLASSFILE = 24;
    private static final String ASM = "java.base/jdk.internal.org.objectweb.asm";

    private static final List<String> OPTIONS = List.of(
            "-XX:+UseSerialGC", "-Xshare:auto", "-Dfile.encoding=UTF-8",
            "-Dstdin.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-Dstderr.encoding=UTF-8");

    /** Cells that use what most cells use, so that its classes are in the archive. */
    private static final List<String> TRAINING = List.of(
            "1 + 1",
            "int value = 6 * 7;\nString text = \"a\" + value;\nSystem.out.println(text);\nvalue",
            "import java.util.*;\nList<Integer> list = new ArrayList<>(List.of(3, 1, 2));\nCollections.sort(list);\n"
                    + "list.stream().map(each -> each * 2).collect(Collectors.toList())",
            "int twice(int number) {\n  return 2 * number;\n}\nclass Point {\n  int x = twice(1);\n}\nnew Point().x",
            "for (int i = 0; i < 10; i++) {\n  System.out.println(String.format(\"%d %.2f\", i, i / 3.0));\n}",
            "Map<String, Integer> map = new HashMap<>();\nmap.put(\"a\", 1);\n"
                    + "map.forEach((key, value) -> System.err.println(key));\nmap",
            "int broken = 1 / 0;",
            "int wrong = nothing;",
            "int[] numbers = {3, 1, 2};\nArrays.sort(numbers);\nnumbers");

    private Prepare() {}

    /** Does one of the two. */
    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("compile")) {
            compile(Path.of(arguments[1]), Path.of(arguments[2]));
        } else {
            archive(Path.of(arguments[1]).toRealPath());
        }
    }

    private static void compile(Path sources, Path directory) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        if (compiler == null) {
            throw new IllegalStateException("this java has no compiler: the module jdk.compiler is missing");
        }
        Path classes = directory.resolve("classes");
        Files.createDirectories(classes);
        List<String> options = new ArrayList<>(List.of("-nowarn", "-proc:none", "-encoding", "UTF-8"));
        options.addAll(List.of("-XDignore.symbol.file", "-d", classes.toString()));
        List<Path> files = in(sources);
        files.removeIf(each -> each.endsWith("Prepare.java"));
        if (FEATURE < FIRST_WITH_CLASSFILE) {
            files.addAll(in(sources.resolve("asm")));
            options.addAll(List.of("--add-exports", ASM + "=ALL-UNNAMED"));
        } else {
            files.addAll(in(sources.resolve("classfile")));
        }
        StandardJavaFileManager manager = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8);
        if (!compiler.getTask(null, manager, null, options, null,
                manager.getJavaFileObjectsFromFiles(files.stream().map(Path::toFile).collect(Collectors.toList()))).call()) {
            throw new IllegalStateException("error: the worker does not compile with Java " + FEATURE);
        }
        pack(classes, directory.resolve("worker.jar"));
    }

    private static List<Path> in(Path directory) throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory, "*.java")) {
            stream.forEach(found::add);
        }
        return found;
    }

    private static void pack(Path classes, Path jar) throws IOException {
        Manifest manifest = new Manifest();
        Attributes main = manifest.getMainAttributes();
        main.put(Attributes.Name.MANIFEST_VERSION, "1.0");
        main.put(Attributes.Name.MAIN_CLASS, "execd.worker.Main");
        // Here instead of among the options: with these java would not use the modules that it has archived.
        main.putValue("Add-Opens", "java.base/java.io java.base/java.lang jdk.jshell/jdk.jshell");
        if (FEATURE < FIRST_WITH_CLASSFILE) {
            main.putValue("Add-Exports", ASM);
        }
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar), manifest);
                Stream<Path> files = Files.walk(classes)) {
            for (Path each : files.filter(Files::isRegularFile).collect(Collectors.toList())) {
                out.putNextEntry(new JarEntry(classes.relativize(each).toString()));
                Files.copy(each, out);
            }
        }
        try (Stream<Path> files = Files.walk(classes)) {
            for (Path each : files.sorted((a, b) -> b.compareTo(a)).collect(Collectors.toList())) {
                Files.delete(each);
            }
        }
    }

    private static void archive(Path directory) throws Exception {
        List<String> options = new ArrayList<>(OPTIONS);
        Path jar = directory.resolve("worker.jar");
        if (FEATURE >= FIRST_WITH_ARCHIVE) {
            Path archive = directory.resolve("worker.jsa");
            Path part = directory.resolve("worker.jsa.part");
            train(options, "-XX:ArchiveClassesAtExit=" + part, jar);
            Files.move(part, archive, StandardCopyOption.ATOMIC_MOVE);
            options.add("-XX:SharedArchiveFile=" + archive);
        } else {
            train(options, "-Xshare:auto", jar);
        }
        options.addAll(List.of("-jar", jar.toString()));
        Path part = directory.resolve("options.part");
        Files.write(part, options.stream().map(Prepare::quoted).collect(Collectors.toList()));
        Files.move(part, directory.resolve("options"), StandardCopyOption.ATOMIC_MOVE);
    }

    private static String quoted(String option) {
        return '"' + option.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    // The worker reads its standard input and answers on its standard output: what cells print stands between.
    private static void train(List<String> options, String option, Path jar) throws Exception {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(options);
        command.addAll(List.of(option, "-jar", jar.toString(), "0", "1"));
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (OutputStream in = process.getOutputStream(); InputStream raw = process.getInputStream()) {
            BufferedReader out = new BufferedReader(new InputStreamReader(raw, StandardCharsets.UTF_8));
            await(out, "\"type\":\"ready\"");
            for (String cell : TRAINING) {
                String code = cell.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
                String line = "{\"type\":\"execute\",\"id\":\"0\",\"code\":\"" + code + "\"}\n";
                in.write(line.getBytes(StandardCharsets.UTF_8));
                in.flush();
                await(out, "\"type\":\"reply\"");
            }
            in.close();
            while (out.readLine() != null) {
                continue;
            }
        }
        if (process.waitFor() != 0) {
            throw new IllegalStateException("error: the worker ended with status " + process.exitValue());
        }
    }

    private static void await(BufferedReader out, String what) throws IOException {
        for (String line = out.readLine(); line == null || !line.contains(what); line = out.readLine()) {
            if (line == null) {
                throw new IllegalStateException("error: the worker does not start");
            }
        }
    }
}
