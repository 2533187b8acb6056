#!/usr/bin/env bash
# Fetches patients' data that others made up for their tests, into $WARDROUND_SAMPLES or .judges/samples: pydicom's files, the
# messages of hl7 and hl7apy, @medplum/mock, HL7's own examples of FHIR R4, and what Synthea generates (needs Java, Maven and some minutes). All is pinned. What
# cannot be had is named, and the bars that need it say that they skip. Ends well either way.
set -u
cd "$(dirname "$0")/.."
dir=${WARDROUND_SAMPLES:-.judges/samples}
mkdir -p "$dir" && cd "$dir" || exit 0
without() { echo "samples: no $1: $2; the bars that ask it will skip" >&2; }

# fetched FILE SHA256 COMMAND...: runs the command unless the file is there, and holds it against its digest.
fetched() {
	local file=$1 sum=$2
	shift 2
	[ -f "$file" ] || "$@" >fetch.log 2>&1
	echo "$sum  $file" | sha256sum --check --status 2>/dev/null && return
	without "$file" "$(tail -n 1 fetch.log 2>/dev/null)"
	return 1
}
pip() { python3 -m pip download --disable-pip-version-check --quiet --no-deps "$@"; }

if fetched pydicom-3.0.2-py3-none-any.whl abf971a5440f84dbaf42c4b6758e30e62480902584f8b270b9a5d146e278a07b pip --only-binary :all: pydicom==3.0.2 && [ ! -d pydicom ]; then
	mkdir pydicom && python3 -m zipfile -e pydicom-3.0.2-py3-none-any.whl pydicom
fi
if fetched python_stdnum-2.2-py3-none-any.whl bdf98fd117a0ca152e4047aa8ad254bae63853d4e915ddd4e0effb33ba0e9260 pip --only-binary :all: python-stdnum==2.2 && [ ! -d stdnum ]; then
	mkdir stdnum && python3 -m zipfile -e python_stdnum-2.2-py3-none-any.whl stdnum
fi
if fetched hl7-0.4.5.tar.gz b6eb97499ebe236e00c3009d43e6b0f040de002df12a292fa5efbd2ce2a8a838 pip --no-binary :all: hl7==0.4.5 && [ ! -d hl7 ]; then
	mkdir hl7 && tar -xzf hl7-0.4.5.tar.gz -C hl7
fi
if fetched hl7apy-1.3.5.tar.gz 4ed02ae574ddcf9084b389bfcaf1e9023c4b2f4dfa2ce4ab42c430c4180a03fe pip --no-binary :all: hl7apy==1.3.5 && [ ! -d hl7apy ]; then
	mkdir hl7apy && tar -xzf hl7apy-1.3.5.tar.gz -C hl7apy
fi
if fetched medplum-mock-5.2.13.tgz f6746e54e721a9e3c75ee9506bfefdf0bf5670f98bd1b9e8dedec78183197983 npm pack --silent @medplum/mock@5.2.13 && [ ! -d medplum ]; then
	mkdir medplum && tar -xzf medplum-mock-5.2.13.tgz -C medplum
fi
if fetched hl7.fhir.r4.examples-4.0.1.tgz dce87f1b5b9341867033f7d1f544fa1b5232503f6d62813887ac6b8a8b6cb682 npm pack --silent hl7.fhir.r4.examples@4.0.1 && [ ! -d fhir-r4 ]; then
	mkdir fhir-r4 && tar -xzf hl7.fhir.r4.examples-4.0.1.tgz -C fhir-r4
fi

if [ ! -d synthea/csv ]; then
	if ! command -v mvn >/dev/null || ! command -v java >/dev/null; then
		without Synthea "Java or Maven is not installed"
		exit 0
	fi
	cat >pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>samples</groupId><artifactId>samples</artifactId><version>1</version>
<dependencies><dependency><groupId>org.mitre.synthea</groupId><artifactId>synthea</artifactId><version>3.3.0</version></dependency></dependencies></project>
XML
	mvn -q -B dependency:copy-dependencies -DoutputDirectory=synthea-lib >synthea.log 2>&1 &&
		java -cp 'synthea-lib/*' App -p 6 -s 7 -cs 7 --exporter.csv.export=true --exporter.ccda.export=true --exporter.baseDirectory=./synthea Massachusetts >>synthea.log 2>&1 ||
		without Synthea "$(tail -n 1 synthea.log)"
fi
exit 0
