import java.io.ByteArrayOutputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Java's way: URLEncoder on secretId only, Base64 with line breaks that are taken out afterwards.
 * usage: java Sign.java SECRET_ID SECRET_KEY ISSUED_AT EXPIRES_AT RANDOM
 */
class Sign {
    public static void main(String[] inputs) throws Exception {
        String original = "secretId=" + URLEncoder.encode(inputs[0], StandardCharsets.UTF_8)
                + "&currentTimeStamp=" + inputs[2] + "&expireTime=" + inputs[3] + "&random=" + inputs[4];
        Mac mac = Mac.getInstance("HmacSHA1");
        mac.init(new SecretKeySpec(inputs[1].getBytes(StandardCharsets.UTF_8), "HmacSHA1"));
        byte[] text = original.getBytes(StandardCharsets.UTF_8);

        ByteArrayOutputStream signed = new ByteArrayOutputStream();
        signed.write(mac.doFinal(text));
        signed.write(text);
        String wrapped = Base64.getMimeEncoder().encodeToString(signed.toByteArray());
        System.out.print(wrapped.replaceAll("\\s", ""));
    }
}
