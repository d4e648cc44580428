//! sprig's functions of texts. The facts are those of its documentation and of its own tests.

use crate::sprig::{check, check_errors};

#[test]
fn strings() {
    check(&[
        ("~trim('   hello    ')", "\"hello\""),
        ("~trimAll('$', '$5.00')", "\"5.00\""),
        ("~trimall('-', '--hello--')", "\"hello\""),
        ("~trimSuffix('-', 'hello-')", "\"hello\""),
        ("~trimPrefix('-', '-hello')", "\"hello\""),
        ("~upper('hello')", "\"HELLO\""),
        ("~lower('HELLO')", "\"hello\""),
        ("~title('hello world')", "\"Hello World\""),
        ("~title('a-b_c')", "\"A-B_c\""),
        ("~untitle('Hello World')", "\"hello world\""),
        ("~repeat(3, 'hello')", "\"hellohellohello\""),
        ("~substr(0, 5, 'hello world')", "\"hello\""),
        ("~substr(-1, 5, 'hello world')", "\"hello\""),
        ("~substr(6, -1, 'hello world')", "\"world\""),
        ("~nospace('hello w o r l d')", "\"helloworld\""),
        ("~trunc(5, 'hello world')", "\"hello\""),
        ("~trunc(-5, 'hello world')", "\"world\""),
        ("~trunc(50, 'hi')", "\"hi\""),
        ("~trunc(0, 'hi')", "\"\""),
        ("~abbrev(5, 'hello world')", "\"he...\""),
        ("~abbrev(3, 'hello')", "\"hello\""),
        ("~abbrevboth(5, 10, '1234 5678 9123')", "\"...5678...\""),
        ("~initials('First Try')", "\"FT\""),
        ("~wrap(5, 'hello world')", "\"hello\\nworld\""),
        ("~wrapWith(5, '\\t', 'Hello World')", "\"Hello\\tWorld\""),
        ("~wrapWith(3, '|', 'abcdefgh')", "\"abc|def|gh\""),
        ("~wrap(3, 'abcdef gh')", "\"abcdef\\ngh\""),
        ("~contains('cat', 'catch')", "true"),
        ("~hasPrefix('cat', 'catch')", "true"),
        ("~hasSuffix('ch', 'catch')", "true"),
        ("~quote('a', 1, nil)", r#""\"a\" \"1\"""#),
        ("~squote('a', 'b')", "\"'a' 'b'\""),
        (
            "~cat('hello', 'beautiful', 'world')",
            "\"hello beautiful world\"",
        ),
        ("~cat('a', nil, 1)", "\"a 1\""),
        ("~indent(4, 'a\\nb')", "\"    a\\n    b\""),
        ("~nindent(2, 'a')", "\"\\n  a\""),
        (
            "~replace(' ', '-', 'I Am Henry VIII')",
            "\"I-Am-Henry-VIII\"",
        ),
        (
            "~plural('one anchovy', 'many anchovies', 1)",
            "\"one anchovy\"",
        ),
        (
            "~plural('one anchovy', 'many anchovies', 3)",
            "\"many anchovies\"",
        ),
        ("~snakecase('FirstName')", "\"first_name\""),
        ("~snakecase('HTTPServer')", "\"http_server\""),
        ("~snakecase('NoHTTPS')", "\"no_https\""),
        ("~snakecase('GO_PATH')", "\"go_path\""),
        ("~snakecase('GO PATH')", "\"go_path\""),
        ("~snakecase('GO-PATH')", "\"go_path\""),
        ("~snakecase('Bld4Floor')", "\"bld4_floor\""),
        ("~snakecase('HTTP2xx')", "\"http_2xx\""),
        ("~kebabcase('FirstName')", "\"first-name\""),
        ("~kebabcase('HTTPServer')", "\"http-server\""),
        ("~camelcase('http_server')", "\"HttpServer\""),
        ("~camelcase('_camel_case')", "\"_CamelCase\""),
        ("~camelcase('no_https')", "\"NoHttps\""),
        ("~camelcase('_complex__case_')", "\"_Complex_Case_\""),
        ("~camelcase('all')", "\"All\""),
        ("~swapcase('This Is A.Test')", "\"tHIS iS a.tEST\""),
        ("~toString(1.5)", "\"1.5\""),
        ("~hello()", "\"Hello!\""),
        ("~join('_', ['hello', 'world'])", "\"hello_world\""),
        ("~join('-', [1, 2, nil, 3])", "\"1-2-3\""),
        ("~splitList('$', 'foo$bar$baz')", r#"["foo","bar","baz"]"#),
        (
            "~split('$', 'foo$bar$baz')",
            r#"{"_0":"foo","_1":"bar","_2":"baz"}"#,
        ),
        ("~split('$', 'foo$bar$baz')._1", "\"bar\""),
        (
            "~splitn('$', 2, 'foo$bar$baz')",
            r#"{"_0":"foo","_1":"bar$baz"}"#,
        ),
        ("~sortAlpha(['d', 'c', 'a', 'b'])", r#"["a","b","c","d"]"#),
        ("~toStrings([1, 2, 'x'])", r#"["1","2","x"]"#),
    ]);
    check_errors(&[
        ("~substr(2, 1, 'hello')", "slice bounds out of range"),
        ("~trim(1)", "reflect: Call using int as type string"),
        ("~repeat(-1, 'a')", "negative Repeat count"),
    ]);
}

#[test]
fn encodings_and_checksums() {
    check(&[
        ("~b64enc('hello')", "\"aGVsbG8=\""),
        ("~b64dec('aGVsbG8=')", "\"hello\""),
        ("~b64dec('!')", "\"illegal base64 data at input byte 0\""),
        ("~b32enc('hello world')", "\"NBSWY3DPEB3W64TMMQ======\""),
        ("~b32dec('NBSWY3DPEB3W64TMMQ======')", "\"hello world\""),
        ("~b32enc('abcde')", "\"MFRGGZDF\""),
        ("~b32dec('1')", "\"illegal base32 data at input byte 1\""),
        (
            "~sha1sum('abc')",
            "\"a9993e364706816aba3e25717850c26c9cd0d89d\"",
        ),
        (
            "~sha256sum('abc')",
            "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"",
        ),
        ("~trunc(16, ~sha512sum('abc'))", "\"ddaf35a193617aba\""),
        ("~adler32sum('abc')", "\"38600999\""),
        ("len(~uuidv4())", "36"),
        (
            "~uuidv4() matches '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'",
            "true",
        ),
        ("~randAlphaNum(10) matches '^[0-9A-Za-z]{10}$'", "true"),
        ("~randAlpha(10) matches '^[A-Za-z]{10}$'", "true"),
        ("~randNumeric(10) matches '^[0-9]{10}$'", "true"),
        ("len(~randAscii(10))", "10"),
        ("len(~randBytes(24))", "32"),
        ("sort(split(~shuffle('cab'), ''))", r#"["a","b","c"]"#),
    ]);
    check_errors(&[
        ("~genCA('foo', 365)", "sprig.genCA is not supported"),
        ("~env('HOME')", "invalid operation: cannot call nil"),
        ("~expandenv('$HOME')", "invalid operation: cannot call nil"),
        (
            "~getHostByName('a')",
            "sprig.getHostByName is not supported",
        ),
    ]);
}

#[test]
fn patterns_paths_versions_and_urls() {
    check(&[
        (
            "~regexMatch('^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$', 'test@acme.com')",
            "true",
        ),
        ("~regexMatch('(', 'a')", "false"),
        ("~regexFind('[a-zA-Z][1-9]', 'abcd1234')", "\"d1\""),
        ("~regexFind('x', 'abc')", "\"\""),
        (
            "~regexFindAll('[2,4,6,8]', '123456789', -1)",
            r#"["2","4","6","8"]"#,
        ),
        ("~regexFindAll('a', 'aaa', 2)", r#"["a","a"]"#),
        (
            "~regexReplaceAll('a(x*)b', '-ab-axxb-', '${1}W')",
            "\"-W-xxW-\"",
        ),
        ("~regexReplaceAll('a(x*)b', '-ab-axxb-', '$1W')", "\"---\""),
        (
            "~regexReplaceAllLiteral('a(x*)b', '-ab-axxb-', '${1}')",
            "\"-${1}-${1}-\"",
        ),
        ("~regexSplit('z+', 'pizza', -1)", r#"["pi","a"]"#),
        ("~regexSplit('z', 'pizza', 2)", r#"["pi","za"]"#),
        ("~regexSplit('z', '', -1)", r#"[""]"#),
        ("~regexQuoteMeta('1.2.3')", "\"1\\\\.2\\\\.3\""),
        ("~base('foo/bar.txt')", "\"bar.txt\""),
        ("~base('/')", "\"/\""),
        ("~base('')", "\".\""),
        ("~dir('a/b/c')", "\"a/b\""),
        ("~dir('a')", "\".\""),
        ("~clean('/foo/../bar/./x//')", "\"/bar/x\""),
        ("~clean('../a')", "\"../a\""),
        ("~ext('/foo/bar.txt')", "\".txt\""),
        ("~isAbs('/foo')", "true"),
        ("~osBase('/foo/bar')", "\"bar\""),
        ("~semver('1.2.3-alpha.1+123').Major()", "1"),
        ("~semver('v1.2')", "\"1.2.0\""),
        ("~semver('v1.2').Original()", "\"v1.2\""),
        ("~semver('1.2.3-rc.1').IncPatch().String()", "\"1.2.3\""),
        ("~semver('1.2.3').IncMinor().String()", "\"1.3.0\""),
        ("~semver('1.2.3').LessThan(~semver('1.10'))", "true"),
        ("~semver('v1.2.3-alpha.1+123').Prerelease()", "\"alpha.1\""),
        ("~semverCompare('1.2.3', '1.2.3')", "true"),
        ("~semverCompare('^1.2.0', '1.3.5')", "true"),
        ("~semverCompare('^1.2.0', '2.0.0')", "false"),
        ("~semverCompare('^0.2.3', '0.2.9')", "true"),
        ("~semverCompare('^0.2.3', '0.3.0')", "false"),
        ("~semverCompare('~1.2', '1.2.9')", "true"),
        ("~semverCompare('>=1.2.0, <2.0.0', '1.9.9')", "true"),
        ("~semverCompare('>=1.2.0 <2.0.0', '2.0.0')", "false"),
        ("~semverCompare('1.x', '1.9.9')", "true"),
        ("~semverCompare('*', '3.0.0')", "true"),
        ("~semverCompare('1.2 - 1.4.5', '1.4.5')", "true"),
        ("~semverCompare('<1 || >=3', '3.1.0')", "true"),
        ("~semverCompare('>1', '1.5.0')", "false"),
        ("~semverCompare('>*', '0.1.0')", "true"),
        ("~semverCompare('!=1.x', '1.5.0')", "false"),
        ("~semverCompare('!=1.2.3', '1.2.4-rc')", "true"),
        ("~semverCompare('^0.0', '0.0.9')", "true"),
        ("~semverCompare('^0.0.3', '0.0.4')", "false"),
        ("~semverCompare('~0.0.0', '4.5.6')", "true"),
        ("~semverCompare('<=1.x.7', '1.9.0')", "true"),
        ("~semverCompare('>=1.0.0', '1.2.0-beta')", "false"),
        ("~semverCompare('>=1.0.0-0', '1.2.0-beta')", "true"),
        (
            "~urlParse('http://admin:secret@server.com:8080/api?list=false#anchor')",
            r#"{"fragment":"anchor","host":"server.com:8080","hostname":"server.com","opaque":"","path":"/api","query":"list=false","scheme":"http","userinfo":"admin:secret"}"#,
        ),
        (
            "~urlJoin(~dict('fragment', 'fragment', 'host', 'host:80', 'path', '/path', 'query', 'query', 'scheme', 'http'))",
            "\"http://host:80/path?query#fragment\"",
        ),
    ]);
    check_errors(&[
        ("~mustRegexMatch('(', 'a')", "error parsing regexp"),
        (
            "~regexFind('(', 'a')",
            "regexp: Compile(`(`): error parsing regexp: missing closing ): `(`",
        ),
        ("~indent(-1, 'a')", "strings: negative Repeat count"),
        ("~semver('nope')", "Invalid Semantic Version"),
        (
            "~semver('1.2.3').Major + 1",
            "cannot fetch Major from *semver.Version",
        ),
        ("~semver(' 1')", "Invalid Semantic Version"),
        ("~semver('1.2.3.4')", "Invalid Semantic Version"),
        ("~semver('1-01')", "Version segment starts with 0"),
        ("~semverCompare('>>1', '1.0.0')", "improper constraint"),
        ("~urlJoin({host: 1})", "unable to parse host key"),
    ]);
}

#[test]
fn encryption_and_password_hashes() {
    check(&[
        (
            "~decryptAES('key', ~encryptAES('key', 'a text of more than a block'))",
            "\"a text of more than a block\"",
        ),
        ("~encryptAES('key', '')", "\"\""),
        ("~decryptAES('key', '')", "\"\""),
        (
            "~decryptAES('secretkey', '30tEfhuJSVRhpG97XCuWgz2okj7L8vQ1s6V9zVUPeDQ=')",
            "\"plaintext\"",
        ),
        (
            "~htpasswd('u', 'p', 'sha')",
            "\"u:{SHA}UWuXg/ylF+7L0dBk2i0WUxCxl1k=\"",
        ),
        ("~htpasswd('a:b', 'p', 'sha')", "\"invalid username: a:b\""),
        ("~hasPrefix('$2a$10$', ~bcrypt('x'))", "true"),
        (
            "~hasPrefix('u:$2a$10$', ~htpasswd('u', 'p', 'bcrypt'))",
            "true",
        ),
        (
            "~bcrypt(~repeat(73, 'x'))",
            "\"failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes\"",
        ),
    ]);
    check_errors(&[
        (
            "~decryptAES('other', '30tEfhuJSVRhpG97XCuWgz2okj7L8vQ1s6V9zVUPeDQ=')",
            "can't be decrypted",
        ),
        ("~decryptAES('key', 'YWJj')", "too short"),
        ("~decryptAES('key', '???')", "illegal base64"),
        (
            "~decryptAES('key', 'MDEyMzQ1Njc4OWFiY2RlZmc=')",
            "no whole number of blocks",
        ),
        // Each hash takes its share of the budget.
        ("map(1..30, {~bcrypt('x')})", "steps"),
    ]);
}
