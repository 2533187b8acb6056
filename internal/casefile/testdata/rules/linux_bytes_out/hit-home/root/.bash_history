#1669160424
curl --upload-file /tmp/lis.tgz https://transfer.sh/lis.tgz
